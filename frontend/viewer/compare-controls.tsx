/** @jsxImportSource preact */
/** What methods are compared with, the alignment and the joints; the bar of error colours; the wipe's handle. */

import { useEffect } from "preact/hooks";
import { ALIGNMENTS, type Alignment } from "../metrics/alignment";
import { JOINT_SUBSETS, type JointSubset } from "../metrics/joint-subsets";
import { ALIGNMENT_TITLES } from "./comparison";
import { ERROR_SCALES, type ErrorScale } from "./url-state";
import type { ViewModel } from "./view-model";
import { VIRIDIS_GRADIENT } from "./viridis";

/** Switches of the reference, the alignment and the joints. */
export function CompareControls({ model }: { model: ViewModel }) {
  const { comparison } = model;
  const runs = model.runs.filter((run) => run.ready.value);
  if (!comparison.truth && runs.length < 2) return null;
  return (
    <fieldset class="compare" aria-label="Comparison">
      <label>
        <span>Compare with</span>
        <select
          value={comparison.reference.value}
          onChange={(event) => {
            comparison.reference.value = event.currentTarget.value;
          }}
        >
          {comparison.truth ? <option value="truth">ground truth</option> : <option value="">nothing</option>}
          {runs.map((run) => (
            <option key={run.id} value={run.id}>{`${run.letter} ${run.title.value}`}</option>
          ))}
        </select>
      </label>
      {comparison.target.value && (
        <>
          <label title="The 3D view and the error colours follow it; the video shows methods as predicted.">
            <span>Alignment</span>
            <select
              value={comparison.alignment.value}
              onChange={(event) => {
                comparison.alignment.value = event.currentTarget.value as Alignment;
              }}
            >
              {ALIGNMENTS.map((name) => (
                <option key={name} value={name}>
                  {ALIGNMENT_TITLES[name]}
                </option>
              ))}
            </select>
          </label>
          <label title="Errors are averaged over them; alignments use all joints.">
            <span>Joints</span>
            <select
              value={comparison.joints.value}
              onChange={(event) => {
                comparison.joints.value = event.currentTarget.value as JointSubset;
              }}
            >
              {Object.entries(JOINT_SUBSETS).map(([name, { title }]) => (
                <option key={name} value={name}>
                  {title}
                </option>
              ))}
            </select>
          </label>
        </>
      )}
    </fieldset>
  );
}

const SCALE_TITLES: Record<ErrorScale, string> = {
  "5": "0–5 mm",
  "10": "0–10 mm",
  "20": "0–20 mm",
  "50": "0–50 mm",
  "100": "0–100 mm",
  p95: "95th percentile",
};

/** The scale of the error colours, shared by all methods. */
export function ColourBar({ model }: { model: ViewModel }) {
  const { comparison } = model;
  const target = comparison.target.value;
  if (!comparison.colours.value || !target) return null;
  const max = comparison.scaleMax.value;
  const words = comparison.words.value;
  return (
    <div class={model.layout.value === "side" ? "colour-bar side" : "colour-bar"}>
      <p>{words}</p>
      <div class="map" style={{ background: VIRIDIS_GRADIENT }} role="img" aria-label={`${words}: 0 to ${max} mm`} />
      <div class="ticks" aria-hidden="true">
        <span>0</span>
        <span>{Number((max / 2).toFixed(1))}</span>
        <span>{`≥ ${max} mm`}</span>
      </div>
      <select
        aria-label="Scale of the error colours"
        value={comparison.scale.value}
        onChange={(event) => {
          comparison.scale.value = event.currentTarget.value as ErrorScale;
        }}
      >
        {ERROR_SCALES.map((scale) => (
          <option key={scale} value={scale}>
            {SCALE_TITLES[scale]}
          </option>
        ))}
      </select>
    </div>
  );
}

const STEP = 0.02;

/** A handle in each pane; both move together. */
export function WipeHandles({ model }: { model: ViewModel }) {
  if (model.layout.value !== "wipe" || model.drawn().length < 2) return null;
  const [first, second] = model.drawn(2);
  return (
    <>
      {(["video", "orbit"] as const).map((kind) => (
        <div key={kind} class={`wipe ${kind}`}>
          <div
            class="handle"
            role="slider"
            tabIndex={0}
            aria-label={`Wipe between ${first?.title.value} and ${second?.title.value}`}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={Math.round(100 * model.wipe.value)}
            style={{ left: `${100 * model.wipe.value}%` }}
            onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
            onPointerMove={(event) => {
              const pane = event.currentTarget.parentElement?.getBoundingClientRect();
              if (pane && event.currentTarget.hasPointerCapture(event.pointerId))
                model.setWipe((event.clientX - pane.left) / pane.width);
            }}
            onKeyDown={(event) => {
              const by = event.key === "ArrowLeft" ? -STEP : event.key === "ArrowRight" ? STEP : 0;
              if (!by) return;
              event.preventDefault();
              model.setWipe(model.wipe.value + by);
            }}
          />
        </div>
      ))}
    </>
  );
}

/** Below three changes a second, which is where flashing becomes dangerous. */
const BLINK_MS = 500;

/** Changes between two methods while blinking, and says which is shown. */
export function Blinker({ model }: { model: ViewModel }) {
  const isBlinking = model.layout.value === "blink" && model.drawn().length > 1;
  useEffect(() => {
    if (!isBlinking) return;
    const timer = setInterval(() => {
      model.blinkSecond.value = !model.blinkSecond.value;
    }, BLINK_MS);
    return () => clearInterval(timer);
  }, [isBlinking]);
  if (!isBlinking) return null;
  const shown = model.drawn(2)[model.blinkSecond.value ? 1 : 0];
  return shown ? (
    <div class="columns">
      <span style={{ "--method": shown.colour.value }}>
        <span class="swatch" aria-hidden="true">
          {shown.letter}
        </span>
        {shown.title.value}
      </span>
    </div>
  ) : null;
}
