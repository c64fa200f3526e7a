/** Keeps the errors of all shown runs up to date: loads joints where they are needed, and asks the metrics worker. */

import { effect, untracked } from "@preact/signals";
import type { ErrorRequest } from "../metrics/error-request";
import { JOINT_SUBSETS } from "../metrics/joint-subsets";
import { MetricsClient } from "../metrics/metrics-client";
import type { Layer, RunModel } from "./layers";
import { forEachLayer, type ViewModel } from "./view-model";

export class LiveErrors {
  private client: MetricsClient | null = null;

  constructor(private readonly model: ViewModel) {
    forEachLayer(model, (layer) => {
      effect(() => this.loadJoints(layer));
      if ("info" in layer) effect(() => this.compute(layer as RunModel));
    });
  }

  private get worker(): MetricsClient {
    this.client ??= new MetricsClient();
    return this.client;
  }

  /** Joints are loaded after the first meshes, when there is something to compare with. */
  private loadJoints(layer: Layer): void {
    const source = layer.source.value;
    const target = this.model.comparison.target.value;
    const wanted = target !== null && (layer === target || layer.shown.value);
    if (!source || !wanted || !this.model.firstDrawn.value || layer.joints.value) return;
    untracked(() => source.joints()).then(
      (hands) => {
        if (!hands) {
          layer.problem.value = "Its errors cannot be computed: it was stored without joints. Run the method again.";
          return;
        }
        this.worker.put(layer.id, hands);
        layer.joints.value = hands;
      },
      (error: Error) => {
        layer.problem.value = `The joints could not be loaded: ${error.message}`;
      },
    );
  }

  private compute(run: RunModel): void {
    const { comparison } = this.model;
    const target = comparison.target.value;
    const alignments = comparison.alignments();
    const joints = JOINT_SUBSETS[comparison.joints.value].joints;
    if (!target || target === run || !target.joints.value || !run.joints.value) {
      run.errors.value = null;
      return;
    }
    const asked: Omit<ErrorRequest, "id" | "kind"> = {
      truth: target.id,
      prediction: run.id,
      frameCount: this.model.frameCount,
      alignments,
      options: { joints },
    };
    const isCurrent = () => comparison.target.peek() === target && JOINT_SUBSETS[comparison.joints.peek()].joints === joints;
    this.worker.errors(asked).then(
      (errors) => {
        if (isCurrent()) run.errors.value = errors;
      },
      (error: Error) => {
        run.problem.value = `The errors could not be computed: ${error.message}`;
      },
    );
  }
}
