/** @jsxImportSource preact */
/** In the row of a run: the button that refines it, why no run of it could be started, and the offer to show a new run. */

import type { RunModel } from "./layers";
import type { ViewModel } from "./view-model";

export function RefineButton({ run, model }: { run: RunModel; model: ViewModel }) {
  const { newRuns } = model;
  if (!newRuns?.refining || !newRuns.canRefine(run)) return null;
  const { title } = newRuns.refining;
  return (
    <button
      type="button"
      class="text refine"
      title={`Refine the hands of ${run.letter} with ${title}`}
      aria-label={`Refine ${run.letter}, ${run.title.value}, with ${title}`}
      aria-disabled={newRuns.asking.value !== ""}
      onClick={() => newRuns.refine(run)}
    >
      Refine
    </button>
  );
}

/** Whether there is something to say about a run that came of this one, or that it is new. */
export function hasRunNote(run: RunModel, model: ViewModel): boolean {
  const { newRuns } = model;
  return Boolean(newRuns && (newRuns.problems.value[run.id] || newRuns.isNew(run)));
}

export function RunNote({ run, model }: { run: RunModel; model: ViewModel }) {
  const { newRuns } = model;
  const problem = newRuns?.problems.value[run.id];
  return (
    <>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <EmptyBoxes run={run} />
      {newRuns?.isNew(run) && (
        <p class="ready">
          It is ready.
          <button
            type="button"
            class="small"
            aria-label={`Show ${run.letter}, ${run.title.value}`}
            onClick={() => {
              run.shown.value = true;
            }}
          >
            Show it
          </button>
        </p>
      )}
    </>
  );
}

/** In which of the boxes that were drawn the run found no hand; shared pages are not told. */
function EmptyBoxes({ run }: { run: RunModel }) {
  const { boxes = [], findings = [] } = run.info.value;
  if (!boxes.length) return null;
  return findings.map(({ message }) => (
    <p key={message} class="problem">
      {message}
    </p>
  ));
}
