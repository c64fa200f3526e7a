/**
 * Keeps a video element and the clock on the same frame.
 *
 * Frame f is asked for at (f + ½) / fps, the middle of its time: at f / fps a quarter of random seeks shows the frame
 * before. While playing, `requestVideoFrameCallback` says which frame was presented: round(mediaTime · fps). After a
 * seek that callback sometimes never comes, hence the time-out.
 */

import type { Clock } from "./clock";

const PATIENCE = 400; // ms to wait for a frame to be presented once a seek is over
const LIMIT = 10_000; // ms after which a seek that does not end is given up

export const seekTime = (frame: number, fps: number): number => (frame + 0.5) / fps;
export const presentedFrame = (mediaTime: number, fps: number): number => Math.round(mediaTime * fps);

export class VideoSync {
  /** False where there is no video that plays: then someone else drives the clock. */
  usable: boolean;
  /** The frame last presented, −1 before the first. */
  shown = -1;
  onShown: (frame: number) => void = () => {};
  onFailure: () => void = () => {};
  /** Told whether the picture is the one that was asked for last, as far as the browser says. */
  onSettled: (settled: boolean) => void = () => {};

  private asked: { frame: number; since: number } | null = null;
  private waiting: Array<() => void> = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly video: HTMLVideoElement,
    private readonly clock: Clock,
  ) {
    this.usable = Boolean(video.currentSrc || video.src);
    video.muted = true;
    video.addEventListener("seeked", () => this.afterSeek());
    video.addEventListener("loadeddata", () => this.show(clock.frame, true));
    video.addEventListener("ended", () => this.ended());
    video.addEventListener("error", () => this.fail());
    clock.onFrame((frame, source) => source !== "video" && this.show(frame));
    clock.onState(() => this.follow());
    if ("requestVideoFrameCallback" in video) this.listen();
    else this.listenCoarsely();
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) this.show(clock.frame, true);
  }

  /** Where the browser has no callback for each frame: the time now and then, which may be a frame off while playing. */
  private listenCoarsely(): void {
    this.video.addEventListener("timeupdate", () => this.presented(Math.floor(this.video.currentTime * this.clock.fps)));
  }

  /** Resolves when the picture of the clock's frame is on the screen, or will not come. */
  settled(): Promise<void> {
    if (!this.usable || !this.asked) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private listen(): void {
    this.video.requestVideoFrameCallback((_, meta) => {
      this.presented(presentedFrame(meta.mediaTime, this.clock.fps));
      this.listen();
    });
  }

  private presented(frame: number): void {
    this.shown = frame;
    this.onShown(frame);
    if (this.asked) {
      const passed = this.clock.playing && frame > this.asked.frame && frame < this.asked.frame + this.clock.fps / 4;
      if (frame === this.asked.frame || passed) this.done();
      return; // still on the way there: an old frame must not pull the clock back
    }
    if (this.clock.playing) this.clock.seek(frame, "video");
  }

  /** Ask for a frame; while an earlier seek is under way the newest wish waits, so that dragging shows pictures. */
  private show(frame: number, force = false): void {
    if (!this.usable || this.video.readyState < HTMLMediaElement.HAVE_METADATA) return;
    const busy = this.video.seeking && this.asked && performance.now() - this.asked.since < PATIENCE;
    this.asked = { frame, since: busy && this.asked ? this.asked.since : performance.now() };
    this.onSettled(false);
    if (!busy || force) this.send();
  }

  private send(): void {
    if (!this.asked) return;
    this.asked.since = performance.now();
    this.video.currentTime = seekTime(this.asked.frame, this.clock.fps);
    this.wait();
  }

  /** While the browser is still seeking, a slow machine is no reason to take the old picture for the new one. */
  private wait(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.video.seeking && this.asked && performance.now() - this.asked.since < LIMIT) this.wait();
      else this.done();
    }, PATIENCE);
  }

  private afterSeek(): void {
    if (!this.asked) return;
    const wanted = seekTime(this.asked.frame, this.clock.fps);
    if (Math.abs(this.video.currentTime - wanted) > 0.25 / this.clock.fps) this.send();
    else if (this.shown === this.asked.frame && !this.clock.playing) this.done();
    else this.wait();
  }

  private done(): void {
    clearTimeout(this.timer);
    this.asked = null;
    this.onSettled(true);
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private follow(): void {
    const { video, clock } = this;
    if (!this.usable) return;
    video.playbackRate = clock.speed;
    if (clock.playing && video.paused) video.play().catch((error: DOMException) => error.name !== "AbortError" && this.fail());
    if (!clock.playing && !video.paused) {
      video.pause();
      this.show(clock.frame, true); // the picture may be a frame ahead of what was last told
    }
  }

  private ended(): void {
    if (!this.clock.ended("video")) return;
    this.show(this.clock.frame, true);
    this.video.play().catch(() => this.clock.pause());
  }

  private fail(): void {
    this.usable = false;
    this.done();
    this.onFailure();
  }
}
