/** @jsxImportSource preact */
/** A ring around the joint of the comment that is shown, in every view that has its method. */

import { useEffect, useRef } from "preact/hooks";
import { Vector3 } from "three";
import { contain } from "./camera";
import { type CommentInfo, type Comments, jointOf } from "./comments";
import type { ViewModel } from "./view-model";
import type { Viewer } from "./viewer";

/** Where the joint of a comment is drawn: CSS px from the stage's upper left corner; none where its hand is not there. */
export function jointPlaces(viewer: Viewer, { run, side, joint }: CommentInfo): Array<{ x: number; y: number }> {
  const meshes = run ? viewer.meshes.get(run) : undefined;
  if (!meshes?.shown || joint === null) return [];
  const { header } = meshes.source;
  const rows = header.hands.map((hand, index) =>
    hand.side === side ? meshes.source.jointRow(index, viewer.clock.frame) : null,
  );
  const hand = rows.findIndex(Boolean);
  const row = rows[hand];
  if (!row) return [];
  const point = new Vector3().fromArray(row, 3 * joint);
  return viewer.views().flatMap((view) => {
    if (!view.layers.includes(meshes)) return [];
    const isOrbit = view.kind === "orbit";
    const alignment = meshes.hands[hand]?.surface.alignment;
    const placed = isOrbit && alignment ? point.clone().applyMatrix4(alignment) : point.clone();
    placed.multiply(new Vector3(1, -1, -1)).project(isOrbit ? viewer.orbit : meshes.videoCamera);
    const rect = isOrbit ? view.rect : contain(view.rect, header.width, header.height);
    const x = rect.x + ((placed.x + 1) / 2) * rect.width;
    const y = rect.y + ((1 - placed.y) / 2) * rect.height;
    const { clip } = view;
    const inside = x >= clip.x && x <= clip.x + clip.width && y >= clip.y && y <= clip.y + clip.height;
    return inside && Math.abs(placed.z) <= 1 ? [{ x, y }] : [];
  });
}

export function JointMark({ model, comments, viewer }: { model: ViewModel; comments: Comments; viewer: Viewer }) {
  const host = useRef<HTMLDivElement>(null);
  const shown = comments.all.value?.find(({ id }) => id === comments.selected.value);
  const source = model.runs.find(({ id }) => id === shown?.run)?.source.value;
  useEffect(() => {
    if (!shown || shown.joint === null || !source) return;
    void source.joints().then(() => viewer.invalidate());
    return viewer.onDraw(() => {
      const rings = host.current;
      if (!rings) return;
      const places = jointPlaces(viewer, shown);
      // Rings are kept from one drawing to the next: an element that is replaced loses its place while it is read.
      while (rings.children.length > places.length) rings.lastElementChild?.remove();
      while (rings.children.length < places.length) rings.append(document.createElement("i"));
      places.forEach(({ x, y }, index) => {
        (rings.children[index] as HTMLElement).style.translate = `${x}px ${y}px`;
      });
    });
  }, [shown, source, viewer]);
  if (!shown || shown.joint === null) return null;
  return <div ref={host} class="joint-mark" role="img" aria-label={`The comment is about the ${jointOf(shown)}`} />;
}
