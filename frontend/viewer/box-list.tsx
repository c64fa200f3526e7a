/** @jsxImportSource preact */
/** Below the methods: how to add a hand that was missed, the boxes that were drawn, and the offer to run the methods again. */

import type { Clock } from "./clock";
import type { HandBoxes } from "./hand-boxes";
import type { ViewModel } from "./view-model";

export function BoxList({ model, boxes, clock }: { model: ViewModel; boxes: HandBoxes; clock: Clock }) {
  const all = boxes.all.value ?? [];
  const { drawing, drawn, problem } = boxes;
  if (!boxes.canWrite && !all.length) return null;
  return (
    <section class="boxes" aria-label="Missed hands">
      <div class="boxes-head">
        <h2>Missed hands</h2>
        {boxes.canWrite && model.layout.value !== "side" && (
          <button
            type="button"
            class="small"
            aria-pressed={drawing.value}
            title="Draw a box around a hand (h)"
            onClick={() => {
              clock.pause();
              boxes.toggleDrawing();
            }}
          >
            Add a hand
          </button>
        )}
      </div>
      {drawing.value &&
        (drawn.value ? <SideChoice boxes={boxes} /> : <p class="hint">Draw a box around the hand in the video.</p>)}
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {all.length > 0 && (
        <ul>
          {all.map((box) => (
            <li key={box.id}>
              <button type="button" class="text" onClick={() => clock.seek(box.frame, "button")}>
                Frame {box.frame}, {box.side}
              </button>
              {boxes.canWrite && (
                <button
                  type="button"
                  class="text"
                  aria-label={`Delete the box of frame ${box.frame}, ${box.side}`}
                  onClick={() => boxes.remove(box)}
                >
                  Delete
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      <RunAgain model={model} boxes={boxes} />
    </section>
  );
}

function SideChoice({ boxes }: { boxes: HandBoxes }) {
  return (
    <p class="side-choice">
      It is a
      <button type="button" class="small" onClick={() => boxes.add("left")}>
        Left hand
      </button>
      <button type="button" class="small" onClick={() => boxes.add("right")}>
        Right hand
      </button>
      <button type="button" class="text" onClick={() => boxes.stopDrawing()}>
        Cancel
      </button>
    </p>
  );
}

/** For the shown methods that ran with other boxes than there are now. */
function RunAgain({ model, boxes }: { model: ViewModel; boxes: HandBoxes }) {
  const { newRuns } = model;
  if (!newRuns || !boxes.all.value || boxes.drawing.value) return null;
  const outdated = model.shownRuns.value.filter((run) => newRuns.canRunAgain(run, boxes));
  if (!outdated.length) return null;
  return (
    <p class="run-again">
      {boxes.all.value.length ? "The shown methods have not looked inside these boxes." : "The boxes were deleted since."}
      <button
        type="button"
        class="small"
        aria-disabled={newRuns.asking.value !== ""}
        onClick={async () => {
          for (const run of outdated) await newRuns.runAgain(run);
        }}
      >
        Run again
      </button>
    </p>
  );
}
