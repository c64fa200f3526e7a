/** Metrics per frame of a clip, one list per metric and hand: the response of `/api/v1/runs/{id}/series/`. */

import type { KeypointRecord } from "../viewer/keypoint-record";

export interface HandSeries {
  track: number;
  side: "left" | "right";
  values: Record<string, Array<number | null>>;
}

export interface Series {
  frame_count: number;
  hands: HandSeries[];
  /** Of methods that say where their keypoints came from. */
  keypoints?: KeypointRecord[];
}

/** A metric of the server's catalogue (`ml/catalog`), as it comes with the page. */
export interface Metric {
  name: string;
  title: string;
  unit: string;
  direction: "lower" | "higher"; // which values are better
  definition: string;
  decimals: number;
}

/** `↓` where lower values are better, `↑` where higher ones are. */
export const arrow = (metric: Metric) => (metric.direction === "lower" ? "↓" : "↑");

/** Mean over the hands that have a value, for each frame; null where none has. */
export function meanOverHands(series: Series, metric: string): Array<number | null> {
  return Array.from({ length: series.frame_count }, (_, frame) => {
    let sum = 0;
    let count = 0;
    for (const hand of series.hands) {
      const value = hand.values[metric]?.[frame];
      if (value === null || value === undefined) continue;
      sum += value;
      count++;
    }
    return count ? sum / count : null;
  });
}

/** Frames of the largest values, at least `apart` frames from each other, largest first. */
export function worstFrames(values: Array<number | null>, count: number, apart: number): number[] {
  const order = values.map((_, frame) => frame).filter((frame) => values[frame] !== null);
  order.sort((a, b) => (values[b] as number) - (values[a] as number));
  const found: number[] = [];
  for (const frame of order) {
    if (found.length === count) break;
    if (found.every((other) => Math.abs(other - frame) >= apart)) found.push(frame);
  }
  return found;
}

/** A value with its unit: `12.3 px`, or a dash where there is none. */
export function formatValue(value: number | null | undefined, metric: Metric): string {
  return value === null || value === undefined ? "–" : `${value.toFixed(metric.decimals)} ${metric.unit}`;
}
