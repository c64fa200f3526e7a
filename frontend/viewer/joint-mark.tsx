/** @jsxImportSource preact */
/** A ring around the joint of the comment that is shown, in every view that has its method. */

import { useEffect, useRef } from "preact/hooks";
import { type CommentInfo, type Comments, jointOf } from "./comments";
import { type Place, placeInView } from "./joint-places";
import type { ViewModel } from "./view-model";
import type { Viewer } from "./viewer";

/** Where the joint of a comment is drawn: CSS px from the stage's upper left corner; none where its hand is not there. */
export function jointPlaces(viewer: Viewer, { run, side, joint }: CommentInfo): Place[] {
  const meshes = run ? viewer.meshes.get(run) : undefined;
  if (!meshes?.shown || joint === null) return [];
  const { header } = meshes.source;
  const rows = header.hands.map((hand, index) =>
    hand.side === side ? meshes.source.jointRow(index, viewer.clock.frame) : null,
  );
  const hand = rows.findIndex(Boolean);
  const row = rows[hand];
  if (!row) return [];
  return viewer.views().flatMap((view) => {
    const place = view.layers.includes(meshes) ? placeInView(viewer, view, meshes, { hand, row, joint }) : null;
    return place ?? [];
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
