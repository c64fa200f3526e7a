/**
 * The one clock of the page: it holds the frame index, to which video, meshes, timeline and plots subscribe.
 *
 * Every seek names its source, so that a source ignores its own seeks and no loop arises.
 */

export type SeekSource = "video" | "timer" | "timeline" | "plot" | "key" | "button" | "url";
export type FrameListener = (frame: number, source: SeekSource) => void;

export const SPEEDS = [0.1, 0.25, 0.5, 1, 2];

export class Clock {
  frame = 0;
  playing = false;
  speed = 1;
  loop = true;
  private readonly frameListeners = new Set<FrameListener>();
  private readonly stateListeners = new Set<() => void>();

  constructor(
    readonly frameCount: number,
    readonly fps: number,
  ) {}

  get last(): number {
    return Math.max(0, this.frameCount - 1);
  }

  /** Call `listener` at every change of frame; returns the function that unsubscribes it. */
  onFrame(listener: FrameListener): () => void {
    this.frameListeners.add(listener);
    return () => this.frameListeners.delete(listener);
  }

  /** Call `listener` when playing, speed or loop change; returns the function that unsubscribes it. */
  onState(listener: () => void): () => void {
    this.stateListeners.add(listener);
    return () => this.stateListeners.delete(listener);
  }

  seek(frame: number, source: SeekSource): void {
    const target = Number.isFinite(frame) ? Math.min(Math.max(Math.round(frame), 0), this.last) : 0;
    if (target === this.frame) return;
    this.frame = target;
    for (const listener of this.frameListeners) listener(target, source);
  }

  /** Pause, and move by `frames`. */
  step(frames: number, source: SeekSource): void {
    this.pause();
    this.seek(this.frame + frames, source);
  }

  play(): void {
    if (this.playing || this.frameCount < 2) return;
    if (this.frame === this.last) this.seek(0, "button");
    this.set({ playing: true });
  }

  pause(): void {
    if (this.playing) this.set({ playing: false });
  }

  toggle(): void {
    if (this.playing) this.pause();
    else this.play();
  }

  setSpeed(speed: number): void {
    if (speed > 0 && speed !== this.speed) this.set({ speed });
  }

  /** The next speed up (+1) or down (−1) of `SPEEDS`. */
  changeSpeed(direction: 1 | -1): void {
    const next = direction > 0 ? SPEEDS.find((speed) => speed > this.speed) : SPEEDS.findLast((speed) => speed < this.speed);
    if (next) this.setSpeed(next);
  }

  setLoop(loop: boolean): void {
    if (loop !== this.loop) this.set({ loop });
  }

  /** The driver has come to the end: start again or stop. Returns whether it goes on. */
  ended(source: SeekSource): boolean {
    if (this.loop) this.seek(0, source);
    else this.pause();
    return this.loop;
  }

  private set(change: Partial<Pick<Clock, "playing" | "speed" | "loop">>): void {
    Object.assign(this, change);
    for (const listener of this.stateListeners) listener();
  }
}

/**
 * Drives the clock by wall time when no video does. `now` in milliseconds, ascending.
 * Frames are counted from where playback began, so that rounding errors do not accumulate.
 */
export class TimerDriver {
  private begin: { now: number; frame: number; speed: number } | null = null;

  constructor(private readonly clock: Clock) {}

  tick(now: number): void {
    const { clock } = this;
    if (!clock.playing) {
      this.begin = null;
      return;
    }
    if (!this.begin || this.begin.speed !== clock.speed) this.begin = { now, frame: clock.frame, speed: clock.speed };
    const frame = this.begin.frame + Math.floor(((now - this.begin.now) / 1000) * clock.fps * clock.speed);
    if (frame <= clock.last) {
      clock.seek(frame, "timer");
    } else {
      this.begin = null;
      clock.ended("timer");
    }
  }

  /** Another source moved the clock: count from there. */
  restart(): void {
    this.begin = null;
  }
}
