/** @jsxImportSource preact */
/** Plots under the timeline: one per metric, with all shown runs and the cursor; also as live text and as a table. */

import { useComputed, useSignalEffect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { arrow, formatValue, type Metric, worstFrames } from "../charts/frame-metrics";
import { type Line, TimePlot } from "../charts/time-plot";
import type { Clock } from "./clock";
import { CompareControls } from "./compare-controls";
import type { Layer } from "./layers";
import { SmoothOrTrue } from "./smooth-or-true";
import { pageColours } from "./theme-colours";
import type { ViewModel } from "./view-model";

/** Besides the colour: runs of one method share a colour. */
const DASHES: number[][] = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

function lines(model: ViewModel, metric: Metric): Line[] {
  return model.runs.flatMap((run, index) => {
    const values = run.means.value[metric.name];
    if (!values || !run.shown.value) return [];
    return [
      {
        letter: run.letter,
        title: run.info.value.method_title,
        colour: run.info.value.colour,
        dash: DASHES[index % DASHES.length] ?? [],
        values,
      },
    ];
  });
}

/** The three worst frames over all lines, at least five frames apart. */
function worstOf(all: Line[]): number[] {
  const largest = (all[0]?.values ?? []).map((_, frame) => {
    const values = all.flatMap((line) => line.values[frame] ?? []);
    return values.length ? Math.max(...values) : null;
  });
  return worstFrames(largest, 3, 5);
}

export function Plots({ model, clock }: { model: ViewModel; clock: Clock }) {
  const { comparison } = model;
  const hasValues = (metric: Metric) => lines(model, metric).some((line) => line.values.some((value) => value !== null));
  const compared = comparison.metrics.value.filter(hasValues);
  const own = model.metrics.value.filter((metric) => !comparison.metrics.value.includes(metric) && hasValues(metric));
  const target = comparison.target.value;
  const isCompared = Boolean(comparison.truth) || model.runs.filter((run) => run.ready.value).length > 1;
  if (!isCompared && own.length === 0) return null;
  const group = (metrics: Metric[]) =>
    metrics.map((metric, index) => (
      <MetricPlot key={metric.name} metric={metric} model={model} clock={clock} xAxis={index === metrics.length - 1} />
    ));
  return (
    <section class="plots" aria-label="Metrics per frame">
      {isCompared && (
        <>
          <div class="plots-head">
            <h2>{headingOf(target, comparison.truth)}</h2>
            <CompareControls model={model} />
            <Hint model={model} />
          </div>
          {group(compared)}
          <SmoothOrTrue model={model} />
        </>
      )}
      {own.length > 0 && (
        <details class="own" open={!compared.length}>
          <summary>
            <h2>Metrics without ground truth</h2>
            {!isCompared && <Hint model={model} />}
          </summary>
          {group(own)}
        </details>
      )}
      <LiveText model={model} metrics={[...compared, ...own]} />
      <ValueTable model={model} metrics={[...compared, ...own]} clock={clock} />
    </section>
  );
}

function headingOf(target: Layer | null, truth: Layer | null): string {
  if (!target) return "Methods compared";
  return target === truth ? "Against ground truth" : `Agreement with ${target.letter}`;
}

function Hint({ model }: { model: ViewModel }) {
  const { zoom } = model;
  return (
    <>
      <span class="hint">click: go to a frame · drag: zoom</span>
      {zoom.value && (
        <button
          type="button"
          class="text"
          onClick={(event) => {
            event.preventDefault();
            zoom.value = null;
          }}
        >
          whole clip
        </button>
      )}
    </>
  );
}

function MetricPlot({ metric, model, clock, xAxis }: { metric: Metric; model: ViewModel; clock: Clock; xAxis: boolean }) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<TimePlot | null>(null);
  useEffect(() => {
    if (!host.current) return;
    plot.current = new TimePlot(
      host.current,
      {
        seek: (frame) => clock.seek(frame, "plot"),
        zoom: (range) => {
          model.zoom.value = range;
        },
      },
      xAxis ? 116 : 92,
    );
    return () => plot.current?.destroy();
  }, [xAxis]);
  useSignalEffect(() => {
    const colours = pageColours.value;
    plot.current?.draw({
      lines: lines(model, metric),
      count: model.frameCount,
      decimals: metric.decimals,
      zoom: model.zoom.value,
      colours: { ink: colours.quiet, faint: colours.rule },
      hasFrameAxis: xAxis,
    });
  });
  useSignalEffect(() => plot.current?.moveTo(model.frame.value));
  const worst = useComputed(() => worstOf(lines(model, metric))).value;
  const current = lines(model, metric);
  return (
    <figure class="plot">
      <figcaption>
        <abbr title={metric.definition}>
          {metric.title} {arrow(metric)}
        </abbr>
        <span class="unit">{metric.unit}</span>
        <ul>
          {current.map((line) => (
            <li key={line.letter} style={{ "--method": line.colour }}>
              <span class="swatch small">{line.letter}</span>
              {formatValue(line.values[model.frame.value], { ...metric, unit: "" }).trim()}
            </li>
          ))}
        </ul>
        {worst.length > 0 && (
          <span class="worst">
            worst frames{" "}
            {worst.map((frame) => (
              <button
                key={frame}
                type="button"
                class="text"
                aria-label={`Go to frame ${frame}, among the worst of ${metric.title}`}
                onClick={() => clock.seek(frame, "plot")}
              >
                {frame}
              </button>
            ))}
          </span>
        )}
      </figcaption>
      <div ref={host} class="chart" role="img" aria-label={`${metric.title} per frame, ${metric.unit}`} />
    </figure>
  );
}

/** For screen readers: the values at the cursor, when it has stopped. */
function LiveText({ model, metrics }: { model: ViewModel; metrics: Metric[] }) {
  const [words, setWords] = useState("");
  useSignalEffect(() => {
    const frame = model.frame.value;
    if (model.playing.value) return;
    const timer = setTimeout(() => {
      const parts = metrics.flatMap((metric) =>
        lines(model, metric).map((line) => `${line.title} ${metric.title} ${formatValue(line.values[frame], metric)}`),
      );
      setWords(`Frame ${frame}: ${parts.join(", ")}`);
    }, 600);
    return () => clearTimeout(timer);
  });
  return (
    <p class="hidden" aria-live="polite">
      {words}
    </p>
  );
}

const ROWS = 25;

/** The values of the frames around the cursor. */
function ValueTable({ model, metrics, clock }: { model: ViewModel; metrics: Metric[]; clock: Clock }) {
  const [open, setOpen] = useState(false);
  const first = Math.max(0, Math.min(model.frame.value - (ROWS >> 1), model.frameCount - ROWS));
  const columns = metrics.flatMap((metric) => lines(model, metric).map((line) => ({ metric, line })));
  return (
    <details class="numbers" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Values around this frame</summary>
      {open && (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">Frame</th>
                {columns.map(({ metric, line }) => (
                  <th key={metric.name + line.letter} scope="col">{`${line.letter} ${metric.title}, ${metric.unit}`}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {Array.from({ length: Math.min(ROWS, model.frameCount) }, (_, k) => first + k).map((frame) => (
                <tr key={frame} aria-current={frame === model.frame.value ? "true" : undefined}>
                  <th scope="row">
                    <button type="button" class="text" onClick={() => clock.seek(frame, "plot")}>
                      {frame}
                    </button>
                  </th>
                  {columns.map(({ metric, line }) => (
                    <td key={metric.name + line.letter}>{formatValue(line.values[frame], { ...metric, unit: "" }).trim()}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
