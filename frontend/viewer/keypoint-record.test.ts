import { expect, test } from "vitest";
import { inWords, type KeypointRecord, stretches, stripPaths } from "./keypoint-record";

const record: KeypointRecord = {
  track: 0,
  side: "right",
  first: 10,
  sources: "dddppmmd",
  confidence: "99944009",
  failures: [12],
  jumps: [],
};

test("frames of one source and confidence are one stretch", () => {
  expect(stretches(record)).toEqual([
    { source: "d", confidence: 1, first: 10, count: 3 },
    { source: "p", confidence: 4 / 9, first: 13, count: 2 },
    { source: "m", confidence: 0, first: 15, count: 2 },
    { source: "d", confidence: 1, first: 17, count: 1 },
  ]);
  expect(stretches({ ...record, confidence: "99844009" }).length).toBe(5);
  expect(stretches({ ...record, sources: "", confidence: "" })).toEqual([]);
});

test("a strip has one path for each source and confidence", () => {
  const paths = stripPaths(record);
  expect(paths.map(({ source }) => source)).toEqual(["d", "p", "m"]);
  expect(paths[0]?.path).toBe("M10 0h3v1h-3zM17 0h1v1h-1z");
});

test("a record is described in words", () => {
  expect(inWords(record)).toBe(
    "Keypoints: the detector in 4 frames, projected from the refined run in 2 frames, missing in 2 frames, " +
      "mean confidence 0.81, detector failures at frame 12",
  );
  const many = Array.from({ length: 13 }, (_, frame) => frame);
  expect(inWords({ ...record, failures: [], jumps: many })).toContain(
    "the box jumps at frames 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more",
  );
});
