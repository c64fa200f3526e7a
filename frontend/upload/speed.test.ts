import { expect, it } from "vitest";
import { Speed, size } from "./speed";

it("measures over the last seconds only", () => {
  const speed = new Speed();
  expect(speed.bytesPerSecond).toBe(0);
  speed.at(0, 0);
  speed.at(1000, 1000);
  expect(speed.bytesPerSecond).toBe(1000);
  for (let t = 2000; t <= 12000; t += 1000) speed.at(1000 + (t - 1000) * 5, t);
  expect(speed.bytesPerSecond).toBeCloseTo(5000);
});

it("writes sizes as people do", () => {
  expect([1500, 2_340_000, 2_000_000_000].map(size)).toEqual(["2 kB", "2.3 MB", "2.00 GB"]);
});
