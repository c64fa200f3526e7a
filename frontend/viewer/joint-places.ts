/** Where joints are drawn: CSS px from the stage's upper left corner. */

import { Vector3 } from "three";
import { contain } from "./camera";
import type { LayerMeshes } from "./layer-meshes";
import type { MeshView } from "./scene-renderer";
import type { Viewer } from "./viewer";

export interface Place {
  x: number;
  y: number;
}

/** Where a view draws a joint of a row (21 × 3, m) of a layer's hand; null outside the view. */
export function placeInView(
  viewer: Viewer,
  view: MeshView,
  meshes: LayerMeshes,
  { hand, row, joint }: { hand: number; row: Float32Array; joint: number },
): Place | null {
  const { header } = meshes.source;
  const isOrbit = view.kind === "orbit";
  const placed = new Vector3().fromArray(row, 3 * joint);
  const alignment = meshes.hands[hand]?.surface.alignment;
  if (isOrbit && alignment) placed.applyMatrix4(alignment);
  placed.multiply(new Vector3(1, -1, -1)).project(isOrbit ? viewer.orbit : meshes.videoCamera);
  const rect = isOrbit ? view.rect : contain(view.rect, header.width, header.height);
  const x = rect.x + ((placed.x + 1) / 2) * rect.width;
  const y = rect.y + ((1 - placed.y) / 2) * rect.height;
  const { clip } = view;
  const inside = x >= clip.x && x <= clip.x + clip.width && y >= clip.y && y <= clip.y + clip.height;
  return inside && Math.abs(placed.z) <= 1 ? { x, y } : null;
}

export interface FoundJoint extends Place {
  meshes: LayerMeshes;
  hand: number;
  joint: number;
}

/** The drawn joint of any layer that is nearest to a point, at most `reach` px away. */
export function nearestJoint(viewer: Viewer, point: Place, reach: number): FoundJoint | null {
  let best: FoundJoint | null = null;
  let least = reach;
  for (const view of viewer.views())
    for (const meshes of view.layers) {
      if (!meshes.hasSkeleton) continue;
      meshes.hands.forEach((_, hand) => {
        const row = meshes.source.jointRow(hand, viewer.clock.frame);
        for (let joint = 0; row && joint < row.length / 3; joint++) {
          const place = placeInView(viewer, view, meshes, { hand, row, joint });
          const distance = place ? Math.hypot(place.x - point.x, place.y - point.y) : Number.POSITIVE_INFINITY;
          if (!place || distance > least) continue;
          [best, least] = [{ ...place, meshes, hand, joint }, distance];
        }
      });
    }
  return best;
}
