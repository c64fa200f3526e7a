/** Singular value decomposition of 3 × 3 matrices, by one-sided Jacobi rotations (Hestenes 1958). */

export type Matrix3 = [number, number, number, number, number, number, number, number, number]; // row by row

export interface Svd {
  /** Left and right singular vectors as columns, row by row: A = U · diag(s) · Vᵀ. */
  u: Matrix3;
  s: [number, number, number]; // descending
  v: Matrix3;
}

type Column = [number, number, number];

const dot = (a: Column, b: Column) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a: Column, b: Column): Column => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
const scaled = (a: Column, by: number): Column => [a[0] * by, a[1] * by, a[2] * by];

/** Columns `p` and `q` of nine numbers, column by column, turned in their plane by (cos, sin). */
function turn(columns: Float64Array, p: number, q: number, cos: number, sin: number): void {
  for (let k = 0; k < 3; k++) {
    const [a, b] = [columns[3 * p + k] as number, columns[3 * q + k] as number];
    columns[3 * p + k] = cos * a - sin * b;
    columns[3 * q + k] = sin * a + cos * b;
  }
}

function product(columns: Float64Array, p: number, q: number): number {
  let sum = 0;
  for (let k = 0; k < 3; k++) sum += (columns[3 * p + k] as number) * (columns[3 * q + k] as number);
  return sum;
}

const column = (columns: Float64Array, p: number): Column => [
  columns[3 * p] as number,
  columns[3 * p + 1] as number,
  columns[3 * p + 2] as number,
];

// Every frame of every method is decomposed: the same memory serves them all.
const columns = new Float64Array(9);
const right = new Float64Array(9);
const SWEEPS = 30;
/** Columns whose cosine is smaller are orthogonal: a few roundings of one. */
const ORTHOGONAL = 1e-15;
const PAIRS = [
  [0, 1],
  [0, 2],
  [1, 2],
] as const;

/** A unit vector orthogonal to all of `others` (at most two, orthonormal). */
function completed(others: Column[]): Column {
  const [a, b] = others;
  if (a && b) return cross(a, b);
  const axis: Column = a && Math.abs(a[0]) > 0.9 ? [0, 1, 0] : [1, 0, 0];
  if (!a) return axis;
  const across = cross(a, axis);
  return scaled(across, 1 / Math.sqrt(dot(across, across)));
}

/** The decomposition of a matrix given row by row. */
export function svd3(m: Matrix3): Svd {
  for (let k = 0; k < 9; k++) {
    columns[k] = m[(3 * (k % 3) + Math.floor(k / 3)) as 0];
    right[k] = k % 4 === 0 ? 1 : 0;
  }
  for (let sweep = 0, rotated = true; rotated && sweep < SWEEPS; sweep++) {
    rotated = false;
    for (const [p, q] of PAIRS) {
      const alpha = product(columns, p, p);
      const beta = product(columns, q, q);
      const gamma = product(columns, p, q);
      if (Math.abs(gamma) <= ORTHOGONAL * Math.sqrt(alpha * beta)) continue;
      rotated = true;
      const zeta = (beta - alpha) / (2 * gamma);
      const tan = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
      const cos = 1 / Math.sqrt(1 + tan * tan);
      turn(columns, p, q, cos, cos * tan);
      turn(right, p, q, cos, cos * tan);
    }
  }
  const parts = [0, 1, 2].map((k) => ({
    column: column(columns, k),
    v: column(right, k),
    s: Math.sqrt(product(columns, k, k)),
  }));
  parts.sort((a, b) => b.s - a.s);
  const largest = parts[0]?.s ?? 0;
  const left: Column[] = [];
  for (const { column, s } of parts) left.push(s > 1e-14 * largest ? scaled(column, 1 / s) : completed(left));
  const [s0 = 0, s1 = 0, s2 = 0] = parts.map(({ s }) => s);
  return { u: rows(left), s: [s0, s1, s2], v: rows(parts.map(({ v }) => v)) };
}

/** Columns as a matrix row by row. */
function rows(columns: readonly Column[]): Matrix3 {
  const [a, b, c] = columns as [Column, Column, Column];
  return [a[0], b[0], c[0], a[1], b[1], c[1], a[2], b[2], c[2]];
}

export function determinant([a, b, c, d, e, f, g, h, i]: Matrix3): number {
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
}
