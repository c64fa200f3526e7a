/** Boxes that people draw around hands which the detector missed: what the page knows of them, and what it does with them. */

import { signal } from "@preact/signals";
import type { Addresses } from "./addresses";
import { request } from "./api";
import type { Rect } from "./camera";

export interface HandBox extends Rect {
  id: string; // `x` … `height` are pixels of the video
  frame: number;
  side: "left" | "right";
}

/** Pixels of the video, as the server wants. */
export const LEAST_SIDE = 8;

/** The box between two corners, inside an image, in tenths of a pixel. */
export function boxBetween(a: { x: number; y: number }, b: { x: number; y: number }, width: number, height: number): Rect {
  const inside = (value: number, most: number) => Math.round(10 * Math.min(Math.max(value, 0), most)) / 10;
  const [x, y] = [inside(Math.min(a.x, b.x), width), inside(Math.min(a.y, b.y), height)];
  const [right, bottom] = [inside(Math.max(a.x, b.x), width), inside(Math.max(a.y, b.y), height)];
  return { x, y, width: Math.round(10 * (right - x)) / 10, height: Math.round(10 * (bottom - y)) / 10 };
}

export class HandBoxes {
  /** Of the upload, by frame; null while they are loading. */
  readonly all = signal<HandBox[] | null>(null);
  /** Whether the next drag over the video draws a box. */
  readonly drawing = signal(false);
  /** Drawn, and waiting for the side of its hand. */
  readonly drawn = signal<(Rect & { frame: number }) | null>(null);
  readonly problem = signal("");

  constructor(
    private readonly at: Addresses,
    private readonly upload: string,
    readonly canWrite: boolean,
  ) {
    void this.load();
  }

  toggleDrawing(): void {
    this.drawing.value = !this.drawing.value;
    this.drawn.value = null;
    this.problem.value = "";
  }

  stopDrawing(): void {
    this.drawing.value = false;
    this.drawn.value = null;
  }

  inFrame(frame: number): HandBox[] {
    return (this.all.value ?? []).filter((box) => box.frame === frame);
  }

  /** Whether a run was started with the boxes that there are now. */
  isCurrent(boxes: readonly { id: string }[]): boolean {
    const now = this.all.value ?? [];
    return now.length === boxes.length && now.every(({ id }) => boxes.some((box) => box.id === id));
  }

  async load(): Promise<void> {
    await this.attempt(async () => {
      const found: HandBox[] = [];
      let next: string | null = this.at.boxes(this.upload);
      while (next) {
        const page: { results: HandBox[]; next: string | null } = await request(next);
        found.push(...page.results);
        next = page.next;
      }
      this.all.value = found;
    });
  }

  /** Keep the box that was drawn, as that of a hand of a side. */
  async add(side: HandBox["side"]): Promise<void> {
    const drawn = this.drawn.value;
    if (!drawn) return;
    await this.attempt(async () => {
      const made = await request<HandBox>(this.at.boxes(this.upload), "POST", { ...drawn, side });
      this.all.value = [...(this.all.value ?? []), made].sort((a, b) => a.frame - b.frame);
      this.stopDrawing();
    });
  }

  async remove(box: HandBox): Promise<void> {
    await this.attempt(async () => {
      await request(this.at.box(this.upload, box.id), "DELETE");
      this.all.value = (this.all.value ?? []).filter(({ id }) => id !== box.id);
    });
  }

  private async attempt(action: () => Promise<void>): Promise<void> {
    try {
      this.problem.value = "";
      await action();
    } catch (error) {
      this.problem.value = (error as Error).message;
    }
  }
}
