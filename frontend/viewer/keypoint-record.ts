/** Where the keypoints of a hand came from in each frame, and how far they were trusted: as `ml/hmp/keypoint_record.py` keeps it. */

export interface KeypointRecord {
  track: number;
  side: "left" | "right";
  /** The frame of the first letter and digit. */
  first: number;
  /** A letter a frame: one of `SOURCES`. */
  sources: string;
  /** A digit a frame: confidence in ninths. */
  confidence: string;
  /** Frames in which the detector took the hand for another orientation. */
  failures: number[];
  /** Frames in which the hand's box is where no hand gets from the frame before. */
  jumps: number[];
}

const MOST = 9;

export const SOURCES: Record<string, { name: string; words: string }> = {
  d: { name: "detector", words: "the detector" },
  p: { name: "projected", words: "projected from the refined run" },
  m: { name: "missing", words: "missing" },
};

/** Consecutive frames of one source and confidence. */
export interface Stretch {
  source: string;
  /** 0 … 1. */
  confidence: number;
  first: number;
  count: number;
}

export function stretches({ first, sources, confidence }: KeypointRecord): Stretch[] {
  const found: Stretch[] = [];
  for (let i = 0; i < sources.length; i++) {
    const [source, trust] = [sources[i] as string, Number(confidence[i]) / MOST];
    const last = found.at(-1);
    if (last?.source === source && last.confidence === trust) last.count++;
    else found.push({ source, confidence: trust, first: first + i, count: 1 });
  }
  return found;
}

/** SVG paths of one unit a frame and of height 1, one for each source and confidence: as few elements as can be. */
export function stripPaths(record: KeypointRecord): Array<{ source: string; confidence: number; path: string }> {
  const paths = new Map<string, { source: string; confidence: number; path: string }>();
  for (const { source, confidence, first, count } of stretches(record)) {
    const key = `${source} ${confidence}`;
    const entry = paths.get(key) ?? { source, confidence, path: "" };
    entry.path += `M${first} 0h${count}v1h-${count}z`;
    paths.set(key, entry);
  }
  return [...paths.values()];
}

/** A record in words: the sources, the mean confidence where there are keypoints, and frames that were wrong. */
export function inWords(record: KeypointRecord): string {
  const frames: Record<string, number> = {};
  let [trust, seen] = [0, 0];
  for (const { source, confidence, count } of stretches(record)) {
    frames[source] = (frames[source] ?? 0) + count;
    if (source === "m") continue;
    trust += confidence * count;
    seen += count;
  }
  const parts = Object.entries(SOURCES).flatMap(([key, { words }]) => (frames[key] ? `${words} in ${frames[key]} frames` : []));
  if (seen) parts.push(`mean confidence ${(trust / seen).toFixed(2)}`);
  if (record.failures.length) parts.push(`detector failures at ${listed(record.failures)}`);
  if (record.jumps.length) parts.push(`the box jumps at ${listed(record.jumps)}`);
  return `Keypoints: ${parts.join(", ")}`;
}

const LISTED = 10;

function listed(frames: number[]): string {
  const more = frames.length > LISTED ? ` and ${frames.length - LISTED} more` : "";
  return `${frames.length === 1 ? "frame" : "frames"} ${frames.slice(0, LISTED).join(", ")}${more}`;
}
