/** Asks the worker for distances to surfaces. It is started with the first question. */

import type { SurfaceRequest } from "./surface-distance";

interface Waiting {
  resolve(distances: Float32Array): void;
  reject(error: Error): void;
}

export class SurfaceClient {
  private worker: Worker | null = null;
  private next = 0;
  private readonly waiting = new Map<number, Waiting>();

  /** Distances of points (N × 3) to the surface of a mesh, in their unit. */
  distances(points: Float32Array, vertices: Float32Array, faces: Uint16Array | Uint32Array): Promise<Float32Array> {
    const id = this.next++;
    const request: SurfaceRequest = { id, points, vertices, faces };
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.open().postMessage(request, [points.buffer, vertices.buffer]);
    });
  }

  private open(): Worker {
    if (this.worker) return this.worker;
    const worker = new Worker(new URL("./surface-worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<{ id: number; distances: Float32Array }>) => {
      this.waiting.get(data.id)?.resolve(data.distances);
      this.waiting.delete(data.id);
    };
    worker.onerror = (event) => {
      for (const { reject } of this.waiting.values()) reject(new Error(event.message || "the worker failed"));
      this.waiting.clear();
    };
    this.worker = worker;
    return worker;
  }
}
