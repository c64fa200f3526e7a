/** Runs that are started on this page to refine the hands of another run. */

import { effect, signal } from "@preact/signals";
import { isFailed, type RunInfo, request } from "./api";
import type { RunModel } from "./layers";
import type { ViewModel } from "./view-model";

export class Refinements {
  /** Id of the run whose refinement is being asked for; empty for none. */
  readonly asking = signal("");
  /** Why a run could not be refined, in a sentence, by its id. */
  readonly problems = signal<Record<string, string>>({});
  /** Ids of the runs that were started here and have not been shown yet. */
  readonly unseen = signal<string[]>([]);

  constructor(
    private readonly model: ViewModel,
    readonly method: { name: string; title: string },
  ) {}

  /** Whether to offer it for a run: one with hands, of another method, that is not refined already or at this moment. */
  isOffered(run: RunModel): boolean {
    const info = run.info.value;
    const isDone = this.model.runs.some(({ info: { value } }) => value.start === run.id && !isFailed(value.status));
    return info.status === "succeeded" && info.prediction?.rows !== 0 && info.method !== this.method.name && !isDone;
  }

  /** Whether a run was started here, has finished, and has not been shown yet. */
  isNew(run: RunModel): boolean {
    return run.ready.value && this.unseen.value.includes(run.id);
  }

  /** Queue the refinement of a run, and offer it as one more run. */
  async start(run: RunModel): Promise<void> {
    if (this.asking.value) return;
    this.asking.value = run.id;
    this.problems.value = { ...this.problems.value, [run.id]: "" };
    const asked = { upload: this.model.upload.value.id, method: this.method.name, start: run.id };
    try {
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
