/** Numbers over the frames of a clip, one list a metric and hand: what `/api/v1/runs/{id}/series/` answers. */

export interface HandSeries {
  track: number;
  side: "left" | "right";
  values: Record<string, Array<number | null>>;
}

export interface Series {
  frame_count: number;
  hands: HandSeries[];
}

export interface Metric {
  name: string;
  title: string;
  unit: string;
  digits: number;
  definition: string;
}

/** Metrics that need no ground truth, in the order of the plots. */
export const METRICS: Metric[] = [
  {
    name: "reprojection",
    title: "Reprojection",
    unit: "px",
    digits: 1,
    definition: "Mean distance in the picture between the projected joints and the detected keypoints. No ground truth.",
  },
  {
    name: "jitter",
    title: "Jitter",
    unit: "mm/frame²",
    digits: 2,
    definition:
      "Mean length of the joints' second difference in time, wrist at rest, at the clip's frame rate. No ground truth.",
  },
  {
    name: "bone_length",
    title: "Bone length",
    unit: "mm",
    digits: 2,
    definition: "Mean distance of the bones' lengths from their median over the clip. No ground truth.",
  },
];

/** Mean over the hands that have a number, frame by frame; null where none has. */
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

/** A number as it is shown: `12.3 px`, or a dash where there is none. */
export function shown(value: number | null | undefined, metric: Metric): string {
  return value === null || value === undefined ? "–" : `${value.toFixed(metric.digits)} ${metric.unit}`;
}
