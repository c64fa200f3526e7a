/** Panels with nothing to show yet take only the rows that their sentence needs, and the panels below move up. */
import { arrange, type Place } from "./grid";

/** Places as drawn: those of `rowsNeeded` are no taller than that, and gaps are closed; as they are where there is none. */
export function closedUp(places: readonly Place[], rowsNeeded: ReadonlyMap<string, number>): Place[] {
  const [first, ...others] = places.map((place) => ({ ...place, h: Math.min(place.h, rowsNeeded.get(place.id) ?? place.h) }));
  return first && rowsNeeded.size ? arrange([first, ...others], first) : [...places];
}

const NAMES = ["x", "y", "w", "h"] as const;

function placeOf(tile: HTMLElement): Place {
  const [x = 0, y = 0, w = 1, h = 1] = NAMES.map((name) => Number(tile.dataset[name]));
  return { id: tile.dataset.panel ?? "", x, y, w, h };
}

/** Rows that a panel needs for its heading and sentence; null where it shows something. */
function sentenceRows(tile: HTMLElement, row: number, gap: number): number | null {
  const parts = [...(tile.querySelector(".tile-body")?.children ?? [])];
  const sentence = parts.find((part) => part.matches("[role=status]"));
  if (!sentence || parts.some((part) => part !== sentence && part.tagName !== "H2")) return null;
  const height = sentence.getBoundingClientRect().bottom - tile.getBoundingClientRect().top + row / 2;
  return Math.max(1, Math.ceil((height + gap) / (row + gap)));
}

/** Move the panels of a grid up where some of them show a sentence alone. While it is edited, the style sheet ignores this. */
export function closeUp(grid: HTMLElement): void {
  const style = getComputedStyle(grid);
  const row = Number.parseFloat(style.gridAutoRows);
  if (Number.isNaN(row)) return; // one column, where rows are as high as panels
  const tiles = [...grid.querySelectorAll<HTMLElement>("[data-panel]")];
  const rowsNeeded = new Map<string, number>();
  for (const tile of tiles) {
    const rows = sentenceRows(tile, row, Number.parseFloat(style.rowGap) || 0);
    if (rows !== null) rowsNeeded.set(tile.dataset.panel ?? "", rows);
  }
  closedUp(tiles.map(placeOf), rowsNeeded).forEach((place, k) => {
    tiles[k]?.style.setProperty("--shown-y", String(place.y));
    tiles[k]?.style.setProperty("--shown-h", String(place.h));
  });
}
