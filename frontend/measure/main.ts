/** Measures an object of known size in a video frame: its two ends are dragged, or moved by the arrow keys. */
import { seekTime } from "../viewer/video-sync";
import { clampToImage, distance, moveByKey, type Point, type Size } from "./segment";
import { selectedVideo } from "./selected-video";

const SVG = "http://www.w3.org/2000/svg";

function createSvg<K extends keyof SVGElementTagNameMap>(name: K, attributes: Record<string, string>): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

class Measure {
  private readonly upload: HTMLSelectElement;
  private readonly frame: HTMLInputElement;
  private readonly result: HTMLInputElement;
  private readonly slider = Object.assign(document.createElement("input"), { type: "range", min: "0" });
  private readonly video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
  private readonly drawing = createSvg("svg", { role: "group", "aria-label": "Ends of the card or sheet" });
  private readonly lines = ["outline", "line"].map((name) => createSvg("line", { class: name }));
  private readonly ends = ["one end", "the other end"].map((name) =>
    createSvg("circle", { tabindex: "0", role: "button", "aria-label": `${name}: drag, or press the arrow keys` }),
  );
  private size: Size = { width: 1, height: 1 };
  private points: Point[] = [];

  constructor(root: HTMLElement) {
    this.upload = root.querySelector("select") as HTMLSelectElement;
    this.frame = root.querySelector("[name=scale_frame]") as HTMLInputElement;
    this.result = root.querySelector("[name=object_px]") as HTMLInputElement;
    this.slider.setAttribute("aria-label", "Frame");
    this.drawing.append(...this.lines, ...this.ends);
    const image = Object.assign(document.createElement("div"), { className: "picture" });
    image.append(this.video, this.drawing);
    root.append(image, this.slider);
    this.upload.addEventListener("change", () => this.open(0));
    const boxes = [...(root.closest("form")?.querySelectorAll<HTMLInputElement>("[name=uploads]") ?? [])];
    for (const box of boxes) box.addEventListener("change", () => this.updateVideos(boxes));
    this.frame.addEventListener("input", () => this.seek(this.frame.valueAsNumber || 0));
    this.slider.addEventListener("input", () => this.seek(this.slider.valueAsNumber));
    this.video.addEventListener("loadeddata", () => this.seek(this.slider.valueAsNumber));
    for (const [index, end] of this.ends.entries()) this.addHandlers(end, index);
    this.updateVideos(boxes);
    this.open(this.frame.valueAsNumber || 0);
  }

  /** Only ticked videos can be measured in; when the chosen one is unticked, another takes its place. */
  private updateVideos(boxes: HTMLInputElement[]): void {
    const ticked = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    for (const option of this.upload.options) option.disabled = !ticked.has(option.value);
    const values = [...this.upload.options].map((option) => option.value);
    const next = selectedVideo(values, ticked, this.upload.value);
    if (next === this.upload.value) return;
    this.upload.value = next;
    this.result.value = "";
    this.open(0);
  }

  /** Show the chosen video at this frame, with both ends in its lower half. */
  private open(frame: number): void {
    const facts = this.upload.selectedOptions[0]?.dataset;
    if (!facts?.video) return;
    this.size = { width: Number(facts.width), height: Number(facts.height) };
    const { width, height } = this.size;
    this.points = [0.3, 0.7].map((share) => ({ x: share * width, y: 0.8 * height }));
    this.drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    for (const end of this.ends) end.setAttribute("r", String(width / 40));
    (this.video.parentElement as HTMLElement).style.aspectRatio = `${width} / ${height}`;
    this.slider.max = this.frame.max = String(Math.max(0, Number(facts.frames) - 1));
    this.video.src = facts.video;
    this.seek(frame);
    this.draw();
  }

  private seek(frame: number): void {
    const fps = Number(this.upload.selectedOptions[0]?.dataset.fps);
    this.slider.value = this.frame.value = String(Math.min(Math.max(frame, 0), Number(this.slider.max)));
    if (this.video.readyState) this.video.currentTime = seekTime(Number(this.slider.value), fps);
  }

  private addHandlers(end: SVGCircleElement, index: number): void {
    end.addEventListener("pointerdown", (event) => {
      end.setPointerCapture(event.pointerId);
      event.preventDefault();
      end.focus();
    });
    end.addEventListener("pointermove", (event) => {
      if (!end.hasPointerCapture(event.pointerId)) return;
      const { left, top, width, height } = this.drawing.getBoundingClientRect();
      const [x, y] = [(event.clientX - left) / width, (event.clientY - top) / height];
      this.move(index, { x: x * this.size.width, y: y * this.size.height });
    });
    end.addEventListener("keydown", (event) => {
      const next = moveByKey(this.points[index] as Point, event.key, event.shiftKey);
      if (!next) return;
      event.preventDefault();
      this.move(index, next);
    });
  }

  private move(index: number, point: Point): void {
    this.points[index] = clampToImage(point, this.size);
    const [from, to] = this.points as [Point, Point];
    this.result.value = distance(from, to).toFixed(1);
    this.draw();
  }

  private draw(): void {
    const [from, to] = this.points as [Point, Point];
    for (const line of this.lines) {
      for (const [name, value] of Object.entries({ x1: from.x, y1: from.y, x2: to.x, y2: to.y })) {
        line.setAttribute(name, String(value));
      }
    }
    for (const [index, end] of this.ends.entries()) {
      const { x, y } = this.points[index] as Point;
      end.setAttribute("cx", String(x));
      end.setAttribute("cy", String(y));
    }
  }
}

for (const root of document.querySelectorAll<HTMLElement>("[data-measure]")) new Measure(root);
