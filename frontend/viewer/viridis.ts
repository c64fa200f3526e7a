/** The colour map of errors: viridis (S. van der Walt, N. Smith; CC0), perceptually uniform and readable in grey. */

/** sRGB, 0 … 255, at equal distances from the smallest error to the largest. */
export const VIRIDIS: ReadonlyArray<readonly [number, number, number]> = [
  [68, 1, 84],
  [72, 26, 108],
  [71, 47, 125],
  [65, 68, 135],
  [57, 86, 140],
  [49, 104, 142],
  [42, 120, 142],
  [35, 136, 142],
  [31, 152, 139],
  [34, 168, 132],
  [53, 183, 121],
  [84, 197, 104],
  [122, 209, 81],
  [165, 219, 54],
  [210, 226, 27],
  [253, 231, 37],
];

/** Where an error is not known: no truth for this hand in this frame. */
export const NO_VALUE: readonly [number, number, number] = [138, 136, 132];

/** The colour (sRGB, 0 … 255) of a share 0 … 1 of the scale; what lies beyond has the colour of its end. */
export function viridis(share: number): [number, number, number] {
  const at = Math.min(Math.max(share, 0), 1) * (VIRIDIS.length - 1);
  const below = Math.min(Math.floor(at), VIRIDIS.length - 2);
  const [from, to] = [VIRIDIS[below], VIRIDIS[below + 1]] as const;
  const mix = (axis: 0 | 1 | 2) => (from?.[axis] ?? 0) + ((to?.[axis] ?? 0) - (from?.[axis] ?? 0)) * (at - below);
  return [mix(0), mix(1), mix(2)];
}

const css = (colour: readonly number[]) => `rgb(${colour.map((value) => Math.round(value)).join(" ")})`;

/** The map as a CSS gradient from left to right. */
export const VIRIDIS_GRADIENT = `linear-gradient(to right, ${VIRIDIS.map(css).join(", ")})`;
