/** Clips of different frame rates and lengths under one time cursor. */

/** The clip's frame at the moment of the cursor's frame; both frame rates in Hz. Past a clip's end its clock keeps the last. */
export function frameAt(frame: number, cursorFps: number, clipFps: number): number {
  return cursorFps === clipFps ? frame : Math.floor(((frame + 0.5) / cursorFps) * clipFps);
}

/** The clip that lasts longest: the cursor counts its frames. */
export function longestClip<C extends { fps: number; frame_count: number }>(clips: readonly C[]): C {
  const seconds = (clip: C) => clip.frame_count / clip.fps;
  return clips.reduce((longest, clip) => (seconds(clip) > seconds(longest) ? clip : longest));
}
