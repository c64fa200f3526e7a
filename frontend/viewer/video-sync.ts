/**
 * Keeps a video element and the clock on the same frame.
 *
 * Frame f is requested at (f + ½) / fps, the middle of its interval: with f / fps a quarter of random seeks shows the
 * previous frame. During playback `requestVideoFrameCallback` says which frame was presented: round(mediaTime · fps).
 * After a seek that callback sometimes never comes, hence the timeout.
 */

import type { Clock } from "./clock";

const PRESENT_TIMEOUT_MS = 400; // from the end of a seek until the frame is presented
const SEEK_TIMEOUT_MS = 10_000;

export const seekTime = (frame: number, fps: number): number => (frame + 0.5) / fps;
export const presentedFrame = (mediaTime: number, fps: number): number => Math.round(mediaTime * fps);

export class VideoSync {
  /** False without a video that plays: then a timer drives the clock. */
  usable: boolean;
  /** The frame last presented, −1 before the first. */
  shown = -1;
  onShown: (frame: number) => void = () => {};
  onFailure: () => void = () => {};
  /** Called with whether the image shown is the one requested last, as far as the browser says. */
  onSettled: (settled: boolean) => void = () => {};

  private requested: { frame: number; since: number } | null = null;
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
    else this.listenToTime();
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) this.show(clock.frame, true);
  }

  /** For browsers without a callback per frame: may be one frame off during playback. */
  private listenToTime(): void {
    this.video.addEventListener("timeupdate", () => this.presented(Math.floor(this.video.currentTime * this.clock.fps)));
  }

  /** Resolves when the image of the clock's frame is shown, or cannot be shown. */
  settled(): Promise<void> {
    if (!this.usable || !this.requested) return Promise.resolve();
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
    if (this.requested) {
      const passed = this.clock.playing && frame > this.requested.frame && frame < this.requested.frame + this.clock.fps / 4;
      if (frame === this.requested.frame || passed) this.done();
      return; // a frame from before the seek must not move the clock back
    }
    if (this.clock.playing) this.clock.seek(frame, "video");
  }

  /** Request a frame; during a seek the newest request waits, so that dragging shows images. */
  private show(frame: number, force = false): void {
    if (!this.usable || this.video.readyState < HTMLMediaElement.HAVE_METADATA) return;
    const busy = this.video.seeking && this.requested && performance.now() - this.requested.since < PRESENT_TIMEOUT_MS;
    this.requested = { frame, since: busy && this.requested ? this.requested.since : performance.now() };
    this.onSettled(false);
    if (!busy || force) this.send();
  }

  private send(): void {
    if (!this.requested) return;
    this.requested.since = performance.now();
    this.video.currentTime = seekTime(this.requested.frame, this.clock.fps);
    this.wait();
  }

  /** While the browser is still seeking, the image shown is still the old one, however slow the machine. */
  private wait(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.video.seeking && this.requested && performance.now() - this.requested.since < SEEK_TIMEOUT_MS) this.wait();
      else this.done();
    }, PRESENT_TIMEOUT_MS);
  }

  private afterSeek(): void {
    if (!this.requested) return;
    const wanted = seekTime(this.requested.frame, this.clock.fps);
    if (Math.abs(this.video.currentTime - wanted) > 0.25 / this.clock.fps) this.send();
    else if (this.shown === this.requested.frame && !this.clock.playing) this.done();
    else this.wait();
  }

  private done(): void {
    clearTimeout(this.timer);
    this.requested = null;
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
      this.show(clock.frame, true); // the image may be a frame ahead of the last callback
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
