/**
 * Aligns every shown layer with what it is compared with, and colours its hands by their errors at one frame: the distance
 * of each vertex where the meshes have the same topology (in the shader), else that of the joints, spread by the skinning
 * weights, else the distance to the surface.
 */

import { alignment } from "../metrics/alignment";
import { jointDistance } from "../metrics/frame-errors";
import { type HandPairs, pairHands, rowOfJoints } from "../metrics/hand-pairs";
import type { SurfaceClient } from "../metrics/surface-client";
import { stickSkin } from "./joint-sticks";
import type { HandMesh, LayerMeshes } from "./layer-meshes";
import type { Layer } from "./layers";
import { Colouring } from "./materials";
import type { ViewModel } from "./view-model";
import type { Skin, TrackHand } from "./viewer-track";

interface Found {
  /** The target's hand and the rows of both. */
  hand: number;
  truthRow: number;
  row: number;
}

/** Whether vertex k of one is vertex k of the other: faces files are named by their content. */
export function sameTopology(one: TrackHand | undefined, other: TrackHand | undefined): boolean {
  return Boolean(one?.faces && other?.faces && one.vertex_count === other.vertex_count && one.faces.file === other.faces.file);
}

/** Errors of joints (21) spread over the vertices by skinning weights, into `target` (V). */
export function spreadErrors(errors: Float32Array, { joints, weights }: Skin, target: Float32Array): void {
  for (let v = 0; v < target.length; v++) {
    let sum = 0;
    for (let i = 4 * v; i < 4 * v + 4; i++) sum += (weights[i] as number) * (errors[joints[i] as number] as number);
    target[v] = sum / 255;
  }
}

export class ErrorColours {
  private readonly pairs = new Map<string, { key: object; pairs: HandPairs[] }>();
  private readonly skins = new Map<string, Skin | null>();
  /** The frame for which distances to surfaces were asked last, by hand. */
  private readonly asked = new Map<HandMesh, string>();

  constructor(
    private readonly model: ViewModel,
    private readonly meshes: Map<string, LayerMeshes>,
    private readonly surfaces: SurfaceClient,
    private readonly onChange: () => void,
  ) {}

  /** Bring alignments and colours of all layers up to a frame, whose positions the meshes have. */
  update(frame: number): void {
    const { comparison } = this.model;
    const target = comparison.target.value;
    for (const layer of this.model.layers) {
      const meshes = this.meshes.get(layer.id);
      if (!meshes) continue;
      meshes.hands.forEach((hand, index) => {
        const found = target && layer !== target ? this.answered(layer, target, index, frame) : null;
        this.align(meshes, index, found, layer, target);
        const isColoured = comparison.colours.value && target !== null && layer !== target && layer.id !== "truth";
        hand.surface.setColouring(
          isColoured ? this.colour(layer, target, index, frame, found) : Colouring.Method,
          comparison.scaleMax.value / 1000,
        );
      });
    }
  }

  /** Which hand of the target a hand answers at a frame. */
  private answered(layer: Layer, target: Layer, index: number, frame: number): Found | null {
    const [truth, own] = [target.joints.value, layer.joints.value];
    if (!truth || !own) return null;
    let kept = this.pairs.get(layer.id);
    if (kept?.key !== truth) {
      kept = { key: truth, pairs: pairHands(truth, own, this.model.frameCount) };
      this.pairs.set(layer.id, kept);
    }
    const hand = kept.pairs.findIndex((pair) => pair.hand[frame] === index);
    const pair = kept.pairs[hand];
    return pair ? { hand, truthRow: pair.truthRow[frame] as number, row: pair.row[frame] as number } : null;
  }

  private align(meshes: LayerMeshes, index: number, found: Found | null, layer: Layer, target: Layer | null): void {
    const name = this.model.comparison.alignment.value;
    const rows = found && target ? this.rows(layer, target, index, found) : null;
    meshes.setAlignment(index, rows && name !== "none" ? alignment(name, rows.truth, rows.own) : null);
  }

  private rows(layer: Layer, target: Layer, index: number, found: Found) {
    const truth = target.joints.value?.[found.hand];
    const own = layer.joints.value?.[index];
    return truth && own ? { truth: rowOfJoints(truth, found.truthRow), own: rowOfJoints(own, found.row) } : null;
  }

  private colour(layer: Layer, target: Layer, index: number, frame: number, found: Found | null): Colouring {
    const [meshes, others] = [this.meshes.get(layer.id), this.meshes.get(target.id)];
    const hand = meshes?.hands[index];
    if (!found || !meshes || !hand) return Colouring.Unknown;
    const [entry, expected] = [layer.header.value?.hands[index], target.header.value?.hands[found.hand]];
    const truth = others?.hands[found.hand];
    if (sameTopology(entry, expected) && truth?.row) {
      hand.mesh.geometry.setAttribute("reference", truth.positions);
      return Colouring.Vertices;
    }
    const skin = this.skin(layer, index);
    if (skin) return this.colourByJoints(layer, target, index, found, skin);
    if (skin === null && truth?.row && expected?.vertex_count) return this.colourBySurface(hand, truth, meshes, frame);
    return Colouring.Unknown;
  }

  private colourByJoints(layer: Layer, target: Layer, index: number, found: Found, skin: Skin): Colouring {
    const meshes = this.meshes.get(layer.id);
    const hand = meshes?.hands[index];
    const rows = this.rows(layer, target, index, found);
    if (!meshes || !hand || !rows) return Colouring.Unknown;
    const move = alignment(this.model.comparison.alignment.value, rows.truth, rows.own);
    const errors = Float32Array.from({ length: 21 }, (_, joint) => jointDistance(rows.truth, rows.own, move, joint));
    spreadErrors(errors, skin, meshes.deviations(hand));
    return Colouring.Deviation;
  }

  /** Distances to a surface are computed in a worker: until they are there, the hand keeps those of before. */
  private colourBySurface(hand: HandMesh, truth: HandMesh, meshes: LayerMeshes, frame: number): Colouring {
    const { alignment: matrix } = hand.surface;
    const key = `${frame} ${matrix.elements.join(" ")}`;
    if (this.asked.get(hand) !== key) {
      this.asked.set(hand, key);
      const points = new Float32Array(hand.positions.array as Float32Array);
      for (let i = 0; i < points.length; i += 3) applyMatrix(matrix.elements, points, i);
      this.surfaces.distances(points, new Float32Array(truth.positions.array as Float32Array), truth.faces).then(
        (distances) => {
          if (this.asked.get(hand) !== key) return;
          meshes.deviations(hand).set(distances);
          this.onChange();
        },
        () => {}, // the worker's problem is told by the live errors, which use the same browser
      );
    }
    return hand.deviation ? Colouring.Deviation : Colouring.Unknown;
  }

  /** The skin of a hand; undefined while it is loading, null where there is none. */
  private skin(layer: Layer, index: number): Skin | null | undefined {
    const key = `${layer.id} ${index}`;
    if (this.skins.has(key)) return this.skins.get(key) ?? null;
    const source = layer.source.value;
    if (!source) return undefined;
    if (!source.header.hands[index]?.vertex_count) {
      this.skins.set(key, stickSkin());
      return this.skins.get(key);
    }
    if (this.loading.has(key)) return undefined;
    this.loading.add(key);
    source.skin(index).then(
      (skin) => {
        this.skins.set(key, skin);
        this.onChange();
      },
      () => this.skins.set(key, null),
    );
    return undefined;
  }

  private readonly loading = new Set<string>();
}

/** Move the point at `i` by a 4 × 4 matrix, column by column. */
function applyMatrix(m: readonly number[], points: Float32Array, i: number): void {
  const [x, y, z] = [points[i] as number, points[i + 1] as number, points[i + 2] as number];
  for (const row of [0, 1, 2])
    points[i + row] =
      (m[row] as number) * x + (m[4 + row] as number) * y + (m[8 + row] as number) * z + (m[12 + row] as number);
}
