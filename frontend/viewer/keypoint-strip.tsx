/** @jsxImportSource preact */
/** On the timeline, below a hand's bar: source and confidence of its keypoints; and the legend of all strips. */

import { inWords, type KeypointRecord, SOURCES, stripPaths } from "./keypoint-record";
import type { RunModel } from "./layers";

export function KeypointStrip({ record, whose, count }: { record: KeypointRecord; whose: string; count: number }) {
  const words = `${whose}. ${inWords(record)}`;
  const mark = (kind: "failure" | "jump") => (frame: number) => (
    <i key={`${kind} ${frame}`} class={kind} style={{ left: `${(100 * (frame + 0.5)) / Math.max(count, 1)}%` }} />
  );
  return (
    <div class="keypoints" role="img" aria-label={words} title={words}>
      <svg viewBox={`0 0 ${Math.max(count, 1)} 1`} preserveAspectRatio="none" aria-hidden="true">
        {stripPaths(record).map(({ source, confidence, path }) => (
          <path key={`${source} ${confidence}`} class={SOURCES[source]?.name} d={path} opacity={opacity(source, confidence)} />
        ))}
      </svg>
      {record.failures.map(mark("failure"))}
      {record.jumps.map(mark("jump"))}
    </div>
  );
}

/** Even what is hardly trusted can be seen. */
function opacity(source: string, confidence: number): number | undefined {
  return source === "m" ? undefined : 0.25 + 0.75 * confidence;
}

/** What the strips of the shown runs mean; nothing where no run has one. */
export function KeypointLegend({ runs }: { runs: RunModel[] }) {
  const records = runs.flatMap((run) => run.series.value?.keypoints ?? []);
  if (!records.length) return null;
  const occurring = Object.entries(SOURCES).filter(([key]) => records.some(({ sources }) => sources.includes(key)));
  return (
    <p class="keypoint-legend">
      <span>Keypoints, fainter where less trusted:</span>
      {occurring.map(([key, { name, words }]) => (
        <span key={key}>
          <i class={name} aria-hidden="true" /> {words}
        </span>
      ))}
      {records.some(({ failures }) => failures.length) && (
        <span title="The detector took the hand for another orientation">
          <i class="failure" aria-hidden="true" /> detector failure
        </span>
      )}
      {records.some(({ jumps }) => jumps.length) && (
        <span title="The hand is where no hand gets from the frame before: a cut, or another hand">
          <i class="jump" aria-hidden="true" /> the box jumps
        </span>
      )}
    </p>
  );
}
