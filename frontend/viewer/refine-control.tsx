/** @jsxImportSource preact */
/** In the row of a run: the button that refines it, why it could not be refined, and the offer to show a new refinement. */

import type { RunModel } from "./layers";
import type { ViewModel } from "./view-model";

export function RefineButton({ run, model }: { run: RunModel; model: ViewModel }) {
  const { refinements } = model;
  if (!refinements?.isOffered(run)) return null;
  const { title } = refinements.method;
  return (
    <button
      type="button"
      class="text refine"
      title={`Refine the hands of ${run.letter} with ${title}`}
      aria-label={`Refine ${run.letter}, ${run.title.value}, with ${title}`}
      aria-disabled={refinements.asking.value !== ""}
      onClick={() => refinements.start(run)}
    >
      Refine
    </button>
  );
}

/** Whether there is something to say about the refinement of a run. */
export function hasRefinementNote(run: RunModel, model: ViewModel): boolean {
  const { refinements } = model;
  return Boolean(refinements && (refinements.problems.value[run.id] || refinements.isNew(run)));
}

export function RefinementNote({ run, model }: { run: RunModel; model: ViewModel }) {
  const { refinements } = model;
  const problem = refinements?.problems.value[run.id];
  return (
    <>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {refinements?.isNew(run) && (
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
