/** Asks the metrics worker; answers come in any order and are told apart by their number. */

import type { ErrorRequest, ErrorResponse } from "./error-request";
import type { HandJoints } from "./hand-pairs";

export class MetricsClient {
  private next = 0;
  private readonly waiting = new Map<number, { resolve(response: ErrorResponse): void; reject(error: Error): void }>();

  constructor(private readonly worker: Worker = makeWorker()) {
    worker.onmessage = (event: MessageEvent<ErrorResponse>) => {
      this.waiting.get(event.data.id)?.resolve(event.data);
      this.waiting.delete(event.data.id);
    };
    worker.onerror = (event) => {
      for (const { reject } of this.waiting.values()) reject(new Error(event.message || "the metrics worker failed"));
      this.waiting.clear();
    };
  }

  /** Give the worker the hands that later requests name by `key`. */
  put(key: string, hands: HandJoints[]): void {
    this.worker.postMessage({ kind: "put", key, hands });
  }

  /** Errors per frame and over the clip. */
  errors(request: Omit<ErrorRequest, "id" | "kind">): Promise<ErrorResponse> {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ ...request, id, kind: "errors" });
    });
  }

  close(): void {
    this.worker.terminate();
  }
}

function makeWorker(): Worker {
  return new Worker(new URL("./metrics-worker.ts", import.meta.url), { type: "module" });
}
