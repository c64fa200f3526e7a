/** @jsxImportSource preact */
/** The panel of methods: name, visibility, opacity, shape, metrics at this frame; progress while a run is open. */

import { arrow, formatValue } from "../charts/frame-metrics";
import { duration } from "../live/status-text";
import { isFailed, isOpen, type RunInfo, request } from "./api";
import { UnseenJoints } from "./joint-readout";
import type { Layer, RunModel } from "./layers";
import { Icon } from "./playback";
import { hasRunNote, RefineButton, RunNote } from "./refine-control";
import type { Sort, ViewModel } from "./view-model";

const EYE =
  "M12 6c4.5 0 8 3.2 9.5 6-1.5 2.8-5 6-9.5 6s-8-3.2-9.5-6C4 9.2 7.5 6 12 6zm0 2.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z";
const EYE_SHUT =
  "M4.2 3 3 4.2l3.6 3.6C4.7 9 3.3 10.6 2.5 12c1.5 2.8 5 6 9.5 6 1.6 0 3-.4 4.3-1l3.5 3.5 1.2-1.2zM12 16a4 4 0 0 1-3.8-5.3l5.1 5.1c-.4.1-.8.2-1.3.2zm0-10c-.9 0-1.8.1-2.6.4l2 2a3.5 3.5 0 0 1 4.1 4.1l3 3c1.3-1 2.400-2.3 3-3.5-1.5-2.8-5-6-9.5-6z";

export function Methods({ model }: { model: ViewModel }) {
  const metric = model.metric.value;
  return (
    <section class="methods" aria-label="Methods">
      <div class="methods-head">
        <h2>Methods</h2>
        {metric && model.metrics.value.length > 1 && (
          <select
            aria-label="Metric of the table"
            title={metric.definition}
            value={metric.name}
            onChange={(event) => {
              model.metricName.value = event.currentTarget.value;
            }}
          >
            {model.metrics.value.map((each) => (
              <option key={each.name} value={each.name}>{`${each.title} ${arrow(each)}, ${each.unit}`}</option>
            ))}
          </select>
        )}
      </div>
      {model.runs.length === 0 && !model.truth ? (
        <p class="empty">No runs yet. Start one on the upload's page.</p>
      ) : (
        <table>
          <thead>
            <tr>
              <SortHeader model={model} by="name" text="Method" title="Sort by name" />
              <th scope="col">
                <span class="hidden">Shown</span>
              </th>
              <SortHeader model={model} by="frame" text="Frame" title="At this frame, mean over the hands" />
              <SortHeader model={model} by="clip" text="Clip" title="Mean over the clip" />
            </tr>
          </thead>
          {model.truth && <Truth model={model} layer={model.truth} />}
          {model.sortedRuns().map((run) => (
            <Method key={run.id} run={run} index={model.runs.indexOf(run)} model={model} />
          ))}
        </table>
      )}
    </section>
  );
}

interface SortHeaderProps {
  model: ViewModel;
  by: "name" | "frame" | "clip";
  text: string;
  title: string;
}

/** A column's heading: ascending, descending, then the order of the runs again. */
function SortHeader({ model, by, text, title }: SortHeaderProps) {
  const { by: current, descending } = model.sort.value;
  const state = current !== by ? "none" : descending ? "descending" : "ascending";
  const next: Record<typeof state, Sort> = {
    none: { by, descending: false },
    ascending: { by, descending: true },
    descending: { by: "", descending: false },
  };
  return (
    <th scope="col" class={by === "name" ? undefined : "number"} aria-sort={state === "none" ? undefined : state}>
      <button
        type="button"
        class="sort"
        title={title}
        onClick={() => {
          model.sort.value = next[state];
        }}
      >
        {text}
      </button>
    </th>
  );
}

function Truth({ model, layer }: { model: ViewModel; layer: Layer }) {
  const visible = layer.shown.value;
  return (
    <tbody class={visible ? "method truth" : "method truth off"} style={{ "--method": layer.colour.value }}>
      <tr>
        <th scope="row">
          <span class="name">
            <span class="swatch">{layer.letter}</span> <span class="title">{layer.title.value}</span>
          </span>
        </th>
        <td>
          <button
            type="button"
            class="icon"
            aria-pressed={visible}
            aria-label="Show the ground truth"
            title="Show or hide (g: ghost, wireframe, off)"
            onClick={() => {
              model.truthStyle.value = visible ? "off" : "ghost";
            }}
          >
            <Icon path={visible ? EYE : EYE_SHUT} />
          </button>
        </td>
        <td class="style" colSpan={2}>
          {model.truthStyle.value}
        </td>
      </tr>
      {layer.problem.value && (
        <tr>
          <td class="details" colSpan={4}>
            <p class="problem">{layer.problem.value}</p>
          </td>
        </tr>
      )}
    </tbody>
  );
}

/** One row, and below it the details of the selected method, its progress, or its problem. */
function Method({ run, index, model }: { run: RunModel; index: number; model: ViewModel }) {
  const info = run.info.value;
  const visible = run.shown.value;
  const metric = model.metric.value;
  const isOpen = model.selected.value === run.id;
  const key = index < 9 ? ` (${index + 1})` : "";
  const value = (number: number | null | undefined) => (metric ? formatValue(number, { ...metric, unit: "" }).trim() : "–");
  return (
    <tbody class={visible ? "method" : "method off"} style={{ "--method": info.colour }}>
      <tr>
        <th scope="row">
          <div class="name-and-refine">
            <button
              type="button"
              class="name"
              aria-expanded={isOpen}
              title={`${info.method_title}: details`}
              onClick={() => {
                model.selected.value = isOpen ? "" : run.id;
              }}
            >
              <span class="swatch">{run.letter}</span> <span class="title">{info.method_title}</span>
            </button>
            <RefineButton run={run} model={model} />
          </div>
        </th>
        <td>
          <button
            type="button"
            class="icon"
            aria-pressed={visible}
            aria-label={`Show ${run.letter}, ${info.method_title}${key}`}
            title={`Show or hide${key}`}
            onClick={() => {
              run.shown.value = !visible;
            }}
          >
            <Icon path={visible ? EYE : EYE_SHUT} />
          </button>
        </td>
        <td class="number">{value(metric && run.means.value[metric.name]?.[model.frame.value])}</td>
        <td class="number">{value(metric && run.clips.value[metric.name])}</td>
      </tr>
      {(isOpen || info.status !== "succeeded" || run.problem.value || hasRunNote(run, model)) && (
        <tr>
          <td class="details" colSpan={4}>
            {info.status !== "succeeded" && <Progress run={run} model={model} />}
            {info.status === "succeeded" && isOpen && <Details run={run} model={model} />}
            {run.problem.value && <p class="problem">{run.problem.value}</p>}
            <RunNote run={run} model={model} />
          </td>
        </tr>
      )}
    </tbody>
  );
}

function Details({ run, model }: { run: RunModel; model: ViewModel }) {
  const { method_title } = run.info.value;
  const percent = Math.round(100 * run.opacity.value);
  return (
    <>
      <div class="opacity">
        <label>
          <span>Opacity</span>
          <input
            type="range"
            min={0}
            max={100}
            step={5}
            value={percent}
            aria-label={`Opacity of ${run.letter}, ${method_title}`}
            onInput={(event) => {
              run.opacity.value = event.currentTarget.valueAsNumber / 100;
            }}
          />
          <output>{percent}%</output>
        </label>
        <button
          type="button"
          class="text"
          title="Show only this method, or all again"
          aria-label={`Show only ${run.letter}, ${method_title}`}
          onClick={() => model.solo(run)}
        >
          only
        </button>
      </div>
      <Facts run={run} model={model} />
    </>
  );
}

function Facts({ run, model }: { run: RunModel; model: ViewModel }) {
  const info = run.info.value;
  const header = run.header.value;
  const frame = model.frame.value;
  if (info.prediction?.rows === 0 || (header && header.hands.length === 0))
    return (
      <p class="problem">
        This method found no hands in the video. Try another method, or a clip in which the hands are larger.
      </p>
    );
  return (
    <>
      <dl>
        {model.metrics.value.map((metric) => (
          <div key={metric.name} title={metric.definition}>
            <dt>
              {metric.title} {arrow(metric)}
            </dt>
            <dd>{formatValue(run.means.value[metric.name]?.[frame], metric)}</dd>
          </div>
        ))}
      </dl>
      <UnseenJoints layer={run} frame={frame} />
      <p class="exports">
        <span title="The hand model, and the source of its shape.">{`${info.hand_model} hand, shape ${info.shape_used}`}</span>
        {!model.isShared && <Exports run={run} frame={frame} model={model} />}
      </p>
    </>
  );
}

function Exports({ run, frame, model }: { run: RunModel; frame: number; model: ViewModel }) {
  return (
    <>
      {(["glb", "obj", "ply"] as const).map((format) => (
        <a
          key={format}
          href={model.addresses.frame(run.id, frame, format)}
          download
          aria-label={`This frame of ${run.letter} as ${format.toUpperCase()}`}
          title="This frame's meshes"
        >
          {format.toUpperCase()}
        </a>
      ))}
      <a
        href={model.addresses.prediction(run.id)}
        download
        aria-label={`The whole run ${run.letter} as NPZ`}
        title="The whole run"
      >
        NPZ
      </a>
    </>
  );
}

function Progress({ run, model }: { run: RunModel; model: ViewModel }) {
  const info = run.info.value;
  if (isFailed(info.status)) {
    const retry = async () => {
      try {
        run.problem.value = "";
        run.info.value = await request<RunInfo>(model.addresses.retry(run.id), "POST").then((answer) => ({
          ...run.info.value,
          ...answer,
        }));
      } catch (error) {
        run.problem.value = (error as Error).message;
      }
    };
    return (
      <div class="progress">
        <p class="problem">
          {info.status === "cancelled" ? "Cancelled." : info.error || "The run failed without an error message."}
        </p>
        <button type="button" class="small" onClick={retry}>
          Try again
        </button>
      </div>
    );
  }
  if (!isOpen(info.status)) return null;
  const percent = Math.round(100 * info.progress);
  const left = info.seconds_left ? `about ${duration(info.seconds_left)} left` : "";
  const queued = info.place ? `queued, number ${info.place}` : "queued";
  return (
    <div class="progress">
      <progress
        max={100}
        value={info.status === "queued" ? 0 : percent}
        aria-label={`Progress of ${run.letter}, ${info.method_title}`}
      />
      <p>{info.status === "queued" ? queued : [info.stage || "starting", `${percent}%`, left].filter(Boolean).join(" · ")}</p>
    </div>
  );
}
