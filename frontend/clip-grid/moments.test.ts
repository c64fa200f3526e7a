import { expect, test } from "vitest";
import { frameAt, longestClip } from "./moments";

test("clips of one frame rate show the same frame", () => {
  for (let frame = 0; frame < 1000; frame++) expect(frameAt(frame, 29.97, 29.97)).toBe(frame);
});

test("a clip of another frame rate shows the frame of the same moment", () => {
  expect([0, 1, 2, 3].map((frame) => frameAt(frame, 30, 60))).toEqual([1, 3, 5, 7]);
  expect([0, 1, 2, 3].map((frame) => frameAt(frame, 60, 30))).toEqual([0, 0, 1, 1]);
});

test("the cursor is that of the clip with the longest duration, not of the one with the most frames", () => {
  const clips = [
    { fps: 60, frame_count: 120 },
    { fps: 30, frame_count: 90 },
  ];
  expect(longestClip(clips)).toBe(clips[1]);
});
