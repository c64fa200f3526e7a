/** @jsxImportSource preact */
/** Over the views while joints are shown: what the marks mean, and the joint under the pointer in words. */

import { useEffect, useRef, useState } from "preact/hooks";
import { jointInWords, unseenInWords } from "./certainty";
import { type FoundJoint, nearestJoint, type Place } from "./joint-places";
import type { Layer } from "./layers";
import type { ViewModel } from "./view-model";
import type { Viewer } from "./viewer";

/** How near (px) the pointer must be to a joint. */
const REACH = 12;

export function JointLegend({ model }: { model: ViewModel }) {
  if (!model.skeleton.value) return null;
  const shown = model.layers.filter((layer) => layer.shown.value && layer.header.value);
  const isKnown = shown.some((layer) => layer.header.value?.hands.some((hand) => hand.certainty));
  return (
    <p class="joint-legend">
      {isKnown ? (
        <>
          <i class="seen" /> joint <i class="unseen" /> not seen, in a ring of ± 1 standard deviation
        </>
      ) : (
        shown.length > 0 && "These methods do not tell which joints were seen."
      )}
    </p>
  );
}

/** The name of the joint under the pointer, whether it was seen, and its standard deviation. */
export function JointReadout({ model, viewer }: { model: ViewModel; viewer: Viewer }) {
  const [found, setFound] = useState<FoundJoint | null>(null);
  const pointer = useRef<Place | null>(null);
  const isShown = model.skeleton.value;
  useEffect(() => {
    if (!isShown) return setFound(null);
    const { stage } = viewer.elements;
    const look = () => setFound(pointer.current && nearestJoint(viewer, pointer.current, REACH));
    const onMove = (event: PointerEvent) => {
      const outer = stage.getBoundingClientRect();
      pointer.current = { x: event.clientX - outer.x, y: event.clientY - outer.y };
      look();
    };
    const onLeave = () => {
      pointer.current = null;
      look();
    };
    stage.addEventListener("pointermove", onMove);
    stage.addEventListener("pointerleave", onLeave);
    const endDraw = viewer.onDraw(look);
    return () => {
      stage.removeEventListener("pointermove", onMove);
      stage.removeEventListener("pointerleave", onLeave);
      endDraw();
    };
  }, [isShown, viewer]);
  const layer = model.layers.find(({ id }) => found && viewer.meshes.get(id) === found.meshes);
  if (!found || !layer) return null;
  const { source } = found.meshes;
  const words = jointInWords(found.joint, source.certaintyRow(found.hand, model.frame.value));
  return (
    <p class="joint-readout" style={{ translate: `${found.x}px ${found.y}px` }}>
      {`${layer.letter} ${source.header.hands[found.hand]?.side} ${words}`}
    </p>
  );
}

/** For the details of a method: how many joints of each hand nothing saw at this frame. */
export function UnseenJoints({ layer, frame }: { layer: Layer; frame: number }) {
  const source = layer.source.value;
  const [loaded, setLoaded] = useState<typeof source>(null);
  const isKnown = Boolean(source?.header.hands.some((hand) => hand.certainty));
  useEffect(() => {
    if (isKnown)
      source?.loadCertainty().then(
        () => setLoaded(source),
        () => {},
      );
  }, [source, isKnown]);
  if (!source || loaded !== source) return null;
  const lines = source.header.hands.flatMap(({ side }, hand) => {
    const certainty = source.certaintyRow(hand, frame);
    const words = certainty && unseenInWords(certainty);
    return words ? [`${side}: ${words}`] : [];
  });
  return lines.length ? <p class="unseen-joints">{lines.join("; ")}</p> : null;
}
