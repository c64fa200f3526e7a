/** What the methods are compared with, and how: the ground truth or one of them, the alignment, the joints, the colours' scale. */

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Metric } from "../charts/frame-metrics";
import { ALIGNMENTS, type Alignment } from "../metrics/alignment";
import { JOINT_SUBSETS, type JointSubset } from "../metrics/joint-subsets";
import { percentile } from "../metrics/percentile";
import { ACCELERATION, ALIGNED_METRIC, type Layer, type RunModel, TRUTH } from "./layers";
import type { ErrorScale, ViewState } from "./url-state";

export const ALIGNMENT_TITLES: Record<Alignment, string> = {
  none: "none",
  root: "root",
  "scale-translation": "scale-translation",
  procrustes: "PA",
  "procrustes-rotation": "PA without reflection",
};

/** Their plots are always there, whatever the alignment. */
const ALWAYS: readonly Alignment[] = ["none", "procrustes", "root"];

export class Comparison {
  readonly alignment: Signal<Alignment>;
  readonly joints: Signal<JointSubset>;
  /** `truth`, the id of a run, or empty for no comparison. */
  readonly reference: Signal<string>;
  readonly colours: Signal<boolean>;
  readonly scale: Signal<ErrorScale>;

  readonly target = computed<Layer | null>(() => {
    const name = this.reference.value;
    if (name === TRUTH) return this.truth;
    return this.runs.find((run) => run.id === name && run.ready.value) ?? null;
  });

  /** Metrics that are computed against the target, the one under the chosen alignment first. */
  readonly metrics = computed<Metric[]>(() => {
    const target = this.target.value;
    if (!target) return [];
    const chosen = this.alignment.value;
    const over = this.joints.value === "all" ? "" : ` (${JOINT_SUBSETS[this.joints.value].title})`;
    const titled = (metric: Metric) => ({ ...metric, title: `${metric.title}${over}` });
    const named = (name: string) => this.catalogue.filter((metric) => metric.name === name).map(titled);
    if (target.id !== TRUTH)
      return named("agreement").map((metric) => ({
        ...metric,
        name: ALIGNED_METRIC[chosen],
        definition: `Mean distance to the joints that ${target.title.value} found; alignment: ${ALIGNMENT_TITLES[chosen]}.`,
      }));
    const order = [chosen, ...ALWAYS.filter((each) => each !== chosen)];
    return [...order.map((each) => ALIGNED_METRIC[each]), ACCELERATION].flatMap(named);
  });

  /** The upper end of the error colours, mm. */
  readonly scaleMax = computed(() => {
    const scale = this.scale.value;
    if (scale !== "p95") return Number(scale);
    const histograms = this.runs.flatMap((run) => {
      const errors = run.shown.value ? run.errors.value?.joints[this.alignment.value] : undefined;
      return errors && run !== this.target.value ? [errors.histogram] : [];
    });
    return Math.max(1, Math.ceil(percentile(histograms, 0.95) ?? 20));
  });

  /** What the error colours show. */
  readonly words = computed(() => {
    const target = this.target.value;
    const aligned = this.alignment.value === "none" ? "" : `, ${ALIGNMENT_TITLES[this.alignment.value]}`;
    return target ? `Distance to ${target === this.truth ? "ground truth" : target.letter}${aligned}` : "";
  });

  constructor(
    private readonly offered: ReadonlySignal<readonly RunModel[]>,
    readonly truth: Layer | null,
    private readonly catalogue: readonly Metric[],
    state: ViewState,
    readonly frameCount: number,
  ) {
    this.alignment = signal(state.alignment);
    this.joints = signal(state.joints);
    this.colours = signal(state.errors);
    this.scale = signal(state.scale);
    const known = state.reference === TRUTH ? truth : this.runs.find((run) => run.id === state.reference);
    this.reference = signal(known?.id ?? this.standard);
    if (state.errors && !this.reference.value) this.reference.value = this.firstShown;
  }

  get runs(): readonly RunModel[] {
    return this.offered.value;
  }

  /** What is compared with unless something else is chosen. */
  get standard(): string {
    return this.truth ? TRUTH : "";
  }

  private get firstShown(): string {
    return (this.runs.find((run) => run.shown.value && run.ready.value) ?? this.runs.find((run) => run.ready.value))?.id ?? "";
  }

  /** Error colours on or off; without ground truth they show the distance to the first shown method. */
  toggleColours(): void {
    this.colours.value = !this.colours.value;
    if (this.colours.value && !this.target.value) this.reference.value = this.firstShown;
  }

  /** Alignments whose errors are shown somewhere. */
  alignments(): Alignment[] {
    return this.target.value?.id === TRUTH ? [...ALIGNMENTS] : [this.alignment.value];
  }

  urlState() {
    return {
      reference: this.reference.value === this.standard ? "" : this.reference.value,
      alignment: this.alignment.value,
      joints: this.joints.value,
      errors: this.colours.value,
      scale: this.scale.value,
    };
  }
}
