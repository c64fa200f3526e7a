/** Where panels lie on a grid of columns: moving and resizing pushes others down, and gaps above a panel are closed. */

export const COLUMNS = 12;
export const TALLEST = 40;

/** Cells: `x` columns from the left, `y` rows from the top, `w` × `h` large. */
export interface Place {
  id: string;
  x: number;
  y: number;
  w: number;
  h: number;
}

export type Step = [columns: number, rows: number];

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(Math.round(value), low), high);

function overlap(a: Place, b: Place): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/** All places with the one of `first.id` as near to `first` as it can be, and no two on the same cell. */
export function arrange(places: readonly Place[], first: Place): Place[] {
  const wanted = places.map((place) => (place.id === first.id ? first : place));
  const order = [...wanted].sort((a, b) => a.y - b.y || Number(b.id === first.id) - Number(a.id === first.id) || a.x - b.x);
  const done: Place[] = [];
  for (const place of order) {
    const free = { ...place };
    const hits = () => done.some((other) => overlap(free, other));
    while (hits()) free.y += 1;
    while (free.y > 0) {
      free.y -= 1;
      if (!hits()) continue;
      free.y += 1;
      break;
    }
    done.push(free);
  }
  return places.map((place) => done.find((other) => other.id === place.id) as Place);
}

/** A place moved by whole cells, still on the grid. */
export function moved(place: Place, [columns, rows]: Step): Place {
  return { ...place, x: clamp(place.x + columns, 0, COLUMNS - place.w), y: Math.max(0, Math.round(place.y + rows)) };
}

/** A place made wider and taller by whole cells, still on the grid. */
export function resized(place: Place, [columns, rows]: Step): Place {
  return { ...place, w: clamp(place.w + columns, 1, COLUMNS - place.x), h: clamp(place.h + rows, 1, TALLEST) };
}

const STEPS: Record<string, Step> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The step of an arrow key; null for other keys. */
export function stepOf(key: string): Step | null {
  return STEPS[key] ?? null;
}

/**
 * The place to ask for when a panel is moved by the keyboard: up and down go past the nearest panel, because a step of one
 * row would be undone by closing the gap.
 */
export function keyMoved(places: readonly Place[], place: Place, step: Step): Place {
  const [, rows] = step;
  if (!rows) return moved(place, step);
  const inColumns = places.filter(
    (other) => other.id !== place.id && other.x < place.x + place.w && place.x < other.x + other.w,
  );
  if (rows < 0) {
    const above = inColumns.filter((other) => other.y < place.y).map((other) => other.y);
    return { ...place, y: above.length ? Math.max(...above) : 0 };
  }
  const below = inColumns.filter((other) => other.y >= place.y + place.h).map((other) => other.y);
  return { ...place, y: below.length ? Math.min(...below) + 1 : place.y };
}
