/** Speed of a transfer over its last seconds. */

const WINDOW_MS = 5000;

export class TransferSpeed {
  private samples: Array<[number, number]> = [];

  /** `bytes` had been sent at `now` (ms). */
  record(bytes: number, now: number): void {
    this.samples.push([now, bytes]);
    while (this.samples.length > 2 && (this.samples[0] as [number, number])[0] < now - WINDOW_MS) this.samples.shift();
  }

  /** Bytes per second over the last seconds; 0 while nothing is known. */
  get bytesPerSecond(): number {
    const first = this.samples[0];
    const last = this.samples.at(-1);
    if (!first || !last || last[0] <= first[0]) return 0;
    return (1000 * (last[1] - first[1])) / (last[0] - first[0]);
  }
}

export function formatBytes(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
