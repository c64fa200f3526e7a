import { expect, test } from "vitest";
import { UploadQueue } from "./upload-queue";

function begin(queue: UploadQueue, count: number): { begun: number[]; ends: (() => void)[] } {
  const begun: number[] = [];
  const ends = Array.from({ length: count }, (_, index) => queue.add(() => begun.push(index)));
  return { begun, ends };
}

test("only a limited number of uploads run at once, and the next begins in order when one has ended", () => {
  const { begun, ends } = begin(new UploadQueue(2), 4);
  expect(begun).toEqual([0, 1]);
  ends[1]?.();
  expect(begun).toEqual([0, 1, 2]);
  ends[0]?.();
  ends[2]?.();
  expect(begun).toEqual([0, 1, 2, 3]);
});

test("an upload cancelled while it waits never begins", () => {
  const { begun, ends } = begin(new UploadQueue(1), 3);
  ends[1]?.();
  ends[0]?.();
  expect(begun).toEqual([0, 2]);
});

test("reporting the end of an upload twice frees one slot", () => {
  const { begun, ends } = begin(new UploadQueue(1), 3);
  ends[0]?.();
  ends[0]?.();
  expect(begun).toEqual([0, 1]);
});
