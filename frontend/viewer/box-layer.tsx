/** @jsxImportSource preact */
/** Over the video: the boxes of the frame, and drawing one by dragging, or by the arrow keys. */

import { useEffect, useRef, useState } from "preact/hooks";
import { contain, type Rect } from "./camera";
import { boxBetween, type HandBoxes, LEAST_SIDE } from "./hand-boxes";
import type { ViewModel } from "./view-model";

interface Point {
  x: number;
  y: number;
}

/** Share of the shorter side of the image that an arrow key moves or resizes by. */
const STEP = 0.02;

export function BoxLayer({ model, boxes, pane }: { model: ViewModel; boxes: HandBoxes; pane: HTMLElement }) {
  const [size, setSize] = useState<Rect>({ x: 0, y: 0, width: 0, height: 0 });
  useEffect(() => {
    const measure = () =>
      setSize({ x: pane.offsetLeft, y: pane.offsetTop, width: pane.offsetWidth, height: pane.offsetHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(pane);
    return () => observer.disconnect();
  }, [pane]);
  const { width: videoWidth, height: videoHeight } = model.upload.value;
  if (!videoWidth || !videoHeight || model.layout.value === "side") return null;
  const image = contain(size, videoWidth, videoHeight);
  const scale = image.width / videoWidth;
  const style = (box: Rect) => ({
    left: `${scale * box.x}px`,
    top: `${scale * box.y}px`,
    width: `${scale * box.width}px`,
    height: `${scale * box.height}px`,
  });
  const drawn = boxes.drawn.value;
  const frame = model.frame.value;
  return (
    <div
      class="box-layer"
      style={{ left: `${image.x}px`, top: `${image.y}px`, width: `${image.width}px`, height: `${image.height}px` }}
    >
      {boxes.inFrame(frame).map((box) => (
        <div key={box.id} class="hand-box" style={style(box)} role="img" aria-label={`Drawn box of a ${box.side} hand`}>
          <span>{box.side}</span>
        </div>
      ))}
      {boxes.drawing.value && <DrawingArea model={model} boxes={boxes} scale={scale} width={videoWidth} height={videoHeight} />}
      {drawn && drawn.frame === frame && <div class="hand-box drawn" style={style(drawn)} />}
    </div>
  );
}

interface DrawingAreaProps {
  model: ViewModel;
  boxes: HandBoxes;
  scale: number;
  width: number; // of the video, px
  height: number;
}

function DrawingArea({ model, boxes, scale, width, height }: DrawingAreaProps) {
  const area = useRef<HTMLButtonElement>(null);
  const from = useRef<Point | null>(null);
  useEffect(() => area.current?.focus({ preventScroll: true }), []);
  const pointOf = (event: PointerEvent): Point => {
    const outer = area.current?.getBoundingClientRect();
    return { x: (event.clientX - (outer?.x ?? 0)) / scale, y: (event.clientY - (outer?.y ?? 0)) / scale };
  };
  const draw = (a: Point, b: Point) => {
    boxes.drawn.value = { ...boxBetween(a, b, width, height), frame: model.frame.value };
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") boxes.stopDrawing();
    const step = STEP * Math.min(width, height);
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const old = boxes.drawn.value ?? { x: 0.4 * width, y: 0.4 * height, width: 0.2 * width, height: 0.2 * height };
    const [dx, dy] = by as [number, number];
    const move = event.shiftKey ? { x: old.x, y: old.y } : { x: old.x + dx, y: old.y + dy };
    const [wide, high] = event.shiftKey ? [old.width + dx, old.height + dy] : [old.width, old.height];
    draw(move, { x: move.x + Math.max(wide, LEAST_SIDE), y: move.y + Math.max(high, LEAST_SIDE) });
  };
  return (
    <button
      ref={area}
      type="button"
      class="drawing-area"
      aria-label="Draw a box around the hand: drag, or move it by the arrow keys and resize it with shift"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        from.current = pointOf(event);
        boxes.drawn.value = null;
      }}
      onPointerMove={(event) => {
        if (from.current) draw(from.current, pointOf(event));
      }}
      onPointerUp={(event) => {
        if (from.current) draw(from.current, pointOf(event));
        from.current = null;
        const box = boxes.drawn.value;
        if (box && Math.min(box.width, box.height) < LEAST_SIDE) boxes.drawn.value = null; // a click
      }}
      onKeyDown={onKeyDown}
    />
  );
}
