/** Runs that are started on this page: to refine the hands of another run, or to run its method again. */

import { effect, signal } from "@preact/signals";
import { isFailed, type RunInfo, request } from "./api";
import type { HandBoxes } from "./hand-boxes";
import type { RunModel } from "./layers";
import type { ViewModel } from "./view-model";

export class NewRuns {
  /** Id of the run for which another one is being asked for; empty for none. */
  readonly asking = signal("");
  /** Why none could be started, in a sentence, by the id of the run. */
  readonly problems = signal<Record<string, string>>({});
  /** Ids of the runs that were started here and have not been shown yet. */
  readonly unseen = signal<string[]>([]);

  constructor(
    private readonly model: ViewModel,
    /** That refines the hands of others; null where none can run on the upload. */
    readonly refining: { name: string; title: string } | null,
  ) {}

  /** Whether a run can be refined: one with hands, of another method, that is not refined already or at this moment. */
  canRefine(run: RunModel): boolean {
    const info = run.info.value;
    const isDone = this.model.runs.some(({ info: { value } }) => value.start === run.id && !isFailed(value.status));
    const isOther = this.refining !== null && info.method !== this.refining.name;
    return info.status === "succeeded" && info.prediction?.rows !== 0 && isOther && !isDone;
  }

  refine(run: RunModel): Promise<void> {
    return this.start(run, { method: this.refining?.name, start: run.id });
  }

  /** Whether the method of a run ran with other boxes than there are now, and has not been started with these. */
  canRunAgain(run: RunModel, boxes: HandBoxes): boolean {
    const info = run.info.value;
    const isSame = (other: RunInfo) => other.method === info.method && other.start === info.start && !isFailed(other.status);
    const isDone = this.model.runs.some(({ info: { value } }) => isSame(value) && boxes.isCurrent(value.boxes));
    return info.status === "succeeded" && !info.is_external && !isDone;
  }

  runAgain(run: RunModel): Promise<void> {
    const { method, hand_model, hand_shape, options, start } = run.info.value;
    return this.start(run, { method, hand_model, hand_shape, options, start });
  }

  /** Whether a run was started here, has finished, and has not been shown yet. */
  isNew(run: RunModel): boolean {
    return run.ready.value && this.unseen.value.includes(run.id);
  }

  /** Queue a run that comes of another one, and offer it as one more. */
  private async start(run: RunModel, about: Record<string, unknown>): Promise<void> {
    if (this.asking.value) return;
    this.asking.value = run.id;
    this.problems.value = { ...this.problems.value, [run.id]: "" };
    try {
      const asked = { upload: this.model.upload.value.id, ...about };
      this.offer(await request<RunInfo>(this.model.addresses.runs(), "POST", asked));
    } catch (error) {
      this.problems.value = { ...this.problems.value, [run.id]: (error as Error).message };
    } finally {
      this.asking.value = "";
    }
  }

  private offer(info: RunInfo): void {
    const made = this.model.addRun(info, false);
    const name = `${info.method_title} (${made.letter})`;
    this.unseen.value = [...this.unseen.value, info.id];
    this.model.notice.value = `${name} is queued.`;
    effect(() => {
      if (made.shown.value) this.unseen.value = this.unseen.peek().filter((id) => id !== info.id);
    });
    effect(() => {
      if (made.ready.value) this.model.notice.value = `${name} is ready.`;
    });
  }
}
