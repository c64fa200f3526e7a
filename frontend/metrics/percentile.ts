/** Percentiles of errors from their histograms. */

import { BIN_MM } from "./frame-errors";

/** The value (mm) below which a share of all counted errors lies: the upper end of its bin; null without errors. */
export function percentile(histograms: readonly number[][], share: number): number | null {
  const total = histograms.reduce((sum, histogram) => sum + histogram.reduce((part, count) => part + count, 0), 0);
  if (!total) return null;
  const bins = Math.max(...histograms.map((histogram) => histogram.length));
  let below = 0;
  for (let bin = 0; bin < bins; bin++) {
    for (const histogram of histograms) below += histogram[bin] ?? 0;
    if (below >= share * total) return (bin + 1) * BIN_MM;
  }
  return bins * BIN_MM;
}
