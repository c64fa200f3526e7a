/** The page's colours for canvases, which cannot use custom properties; they follow the dark and light themes. */

import { signal } from "@preact/signals";

export interface PageColours {
  paper: string; // behind the hands in 3D
  ink: string; // text, lines of the grid
  quiet: string; // labels of axes
  rule: string; // lines of a plot
  dark: boolean;
}

export const pageColours = signal<PageColours>({
  paper: "#f4f3f1",
  ink: "#222222",
  quiet: "#666666",
  rule: "#dddddd",
  dark: false,
});

/** Any CSS colour as #rrggbb, by painting one pixel. */
function asHex(colour: string, context: CanvasRenderingContext2D): string {
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const rgb = context.getImageData(0, 0, 1, 1).data.subarray(0, 3);
  return `#${Array.from(rgb, (value) => value.toString(16).padStart(2, "0")).join("")}`;
}

function read(root: HTMLElement, context: CanvasRenderingContext2D): PageColours {
  const probe = document.createElement("span");
  root.append(probe);
  const value = (name: string) => {
    probe.style.color = `var(${name})`;
    return asHex(getComputedStyle(probe).color, context);
  };
  const paper = value("--viewer-paper");
  const [ink, quiet, rule] = [value("--viewer-ink"), value("--viewer-quiet"), value("--viewer-rule")];
  probe.remove();
  const brightness = [1, 3, 5].reduce((sum, at) => sum + Number.parseInt(paper.slice(at, at + 2), 16), 0);
  return { paper, ink, quiet, rule, dark: brightness < 384 };
}

/** Keep `pageColours` up to date for `root`, whether the system or an attribute of the document switches the theme. */
export function followColours(root: HTMLElement): void {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return;
  const update = () => {
    pageColours.value = read(root, context);
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);
  const watched = { attributes: true, attributeFilter: ["class", "data-theme", "style"] };
  new MutationObserver(update).observe(document.documentElement, watched);
  update();
}
