/** @jsxImportSource preact */
/** The figure "Smooth or true?": jitter against lag, and against kept amplitude, a point for each shown method. */

import type { Smoothness } from "../metrics/smoothness";
import type { RunModel } from "./layers";
import type { ViewModel } from "./view-model";

const WIDTH = 360;
const HEIGHT = 220;
const BOX = { left: 48, top: 12, right: 348, bottom: 180 };

interface Axis {
  title: string;
  low: number;
  high: number;
  ticks: number[];
  /** The value of a perfect method. */
  ideal: number;
  of(smoothness: Smoothness): number;
}

/** Round ticks, at most six, that cover a range. */
export function roundTicks(low: number, high: number): number[] {
  const span = Math.max(high - low, 1e-9);
  const power = 10 ** Math.floor(Math.log10(span / 5));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => span / each <= 5) ?? 10 * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(6)));
}

function axis(title: string, ideal: number, values: number[], of: Axis["of"], floor?: number): Axis {
  const ticks = roundTicks(Math.min(floor ?? Number.POSITIVE_INFINITY, ideal, ...values), Math.max(ideal, ...values) + 1e-6);
  return { title, ideal, of, ticks, low: ticks[0] ?? 0, high: ticks.at(-1) ?? 1 };
}

export function SmoothOrTrue({ model }: { model: ViewModel }) {
  const { comparison } = model;
  const target = comparison.target.value;
  if (!target || target !== comparison.truth) return null;
  const points = model.shownRuns.value.flatMap((run) => {
    const smoothness = run.errors.value?.smoothness;
    return smoothness ? [{ run, smoothness }] : [];
  });
  if (!points.length) return null;
  const all = points.map(({ smoothness }) => smoothness);
  const truthJitter = all.reduce((sum, one) => sum + one.truthJitter, 0) / all.length;
  const jitter = axis(
    "Jitter, mm/frame²",
    truthJitter,
    all.map((one) => one.jitter),
    (one) => one.jitter,
    0,
  );
  const lag = axis("Lag, frames", 0, [-1, 1, ...all.map((one) => one.lag)], (one) => one.lag);
  const kept = axis(
    "Kept amplitude, %",
    100,
    all.map((one) => 100 * one.amplitude),
    (one) => 100 * one.amplitude,
    50,
  );
  return (
    <details class="smooth own">
      <summary>
        <h2>Smooth or true?</h2>
        <span class="hint">the dashed lines are the ground truth's own values</span>
      </summary>
      <div class="figures">
        <Scatter x={jitter} y={lag} points={points} />
        <Scatter x={jitter} y={kept} points={points} />
        <table>
          <thead>
            <tr>
              <th scope="col">Method</th>
              <th scope="col" title="Mean second difference in time of joints relative to the wrist">
                Jitter, mm/frame²
              </th>
              <th scope="col" title="Frames by which joint velocities are late">
                Lag, frames
              </th>
              <th scope="col" title="Share of the true joint velocity, noise left out">
                Kept amplitude
              </th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">Ground truth</th>
              <td>{truthJitter.toFixed(2)}</td>
              <td>0</td>
              <td>100%</td>
            </tr>
            {points.map(({ run, smoothness }) => (
              <tr key={run.id}>
                <th scope="row">{`${run.letter} ${run.title.value}`}</th>
                <td>{smoothness.jitter.toFixed(2)}</td>
                <td>{smoothness.lag}</td>
                <td>{`${(100 * smoothness.amplitude).toFixed(0)}%`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

interface ScatterProps {
  x: Axis;
  y: Axis;
  points: Array<{ run: RunModel; smoothness: Smoothness }>;
}

function Scatter({ x, y, points }: ScatterProps) {
  const across = (value: number) => BOX.left + ((value - x.low) / (x.high - x.low || 1)) * (BOX.right - BOX.left);
  const down = (value: number) => BOX.bottom - ((value - y.low) / (y.high - y.low || 1)) * (BOX.bottom - BOX.top);
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${x.title} against ${y.title}, a point for each method`}>
      {x.ticks.map((tick) => (
        <g key={tick}>
          <line class="grid" x1={across(tick)} x2={across(tick)} y1={BOX.top} y2={BOX.bottom} />
          <text x={across(tick)} y={BOX.bottom + 16} text-anchor="middle">
            {tick}
          </text>
        </g>
      ))}
      {y.ticks.map((tick) => (
        <g key={tick}>
          <line class="grid" x1={BOX.left} x2={BOX.right} y1={down(tick)} y2={down(tick)} />
          <text x={BOX.left - 6} y={down(tick) + 4} text-anchor="end">
            {tick}
          </text>
        </g>
      ))}
      <line class="ideal" x1={across(x.ideal)} x2={across(x.ideal)} y1={BOX.top} y2={BOX.bottom} />
      <line class="ideal" x1={BOX.left} x2={BOX.right} y1={down(y.ideal)} y2={down(y.ideal)} />
      <text x={(BOX.left + BOX.right) / 2} y={HEIGHT - 6} text-anchor="middle">
        {x.title}
      </text>
      <text transform={`translate(12 ${(BOX.top + BOX.bottom) / 2}) rotate(-90)`} text-anchor="middle">
        {y.title}
      </text>
      {points.map(({ run, smoothness }) => (
        <g key={run.id} transform={`translate(${across(x.of(smoothness))} ${down(y.of(smoothness))})`}>
          <title>{`${run.letter} ${run.title.value}`}</title>
          <circle r={9} fill={run.colour.value} />
          <text class="letter" text-anchor="middle" y={4}>
            {run.letter}
          </text>
        </g>
      ))}
    </svg>
  );
}
