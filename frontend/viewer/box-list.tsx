/** @jsxImportSource preact */
/** Below the methods: the side of a new box, the boxes that were drawn, and the offer to run the methods again. */

import type { Clock } from "./clock";
import type { HandBoxes } from "./hand-boxes";
import type { RunModel } from "./layers";
import type { ViewModel } from "./view-model";

export function BoxList({ model, boxes, clock }: { model: ViewModel; boxes: HandBoxes; clock: Clock }) {
  const all = boxes.all.value ?? [];
  const { drawing, drawn, problem } = boxes;
  const outdated = runsToRepeat(model, boxes);
  if (!drawing.value && !problem.value && !all.length && !outdated.length) return null;
  return (
    <section class="boxes" aria-label="Missed hands">
      <h2>Missed hands</h2>
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
      {outdated.length > 0 && <RunAgain model={model} boxes={boxes} outdated={outdated} />}
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

/** The shown methods that ran with other boxes than there are now. */
function runsToRepeat(model: ViewModel, boxes: HandBoxes): RunModel[] {
  const { newRuns } = model;
  if (!newRuns || !boxes.all.value || boxes.drawing.value) return [];
  return model.shownRuns.value.filter((run) => newRuns.canRunAgain(run, boxes));
}

function RunAgain({ model, boxes, outdated }: { model: ViewModel; boxes: HandBoxes; outdated: RunModel[] }) {
  const { newRuns } = model;
  return (
    <p class="run-again">
      {boxes.all.value?.length ? "The shown methods have not looked inside these boxes." : "The boxes were deleted since."}
      <button
        type="button"
        class="small"
        aria-disabled={newRuns?.asking.value !== ""}
        onClick={async () => {
          for (const run of outdated) await newRuns?.runAgain(run);
        }}
      >
        Run again
      </button>
    </p>
  );
}
