import { expect, it } from "vitest";
import { formatBytes, TransferSpeed } from "./transfer-speed";

it("measures the speed over the last seconds only", () => {
  const speed = new TransferSpeed();
  expect(speed.bytesPerSecond).toBe(0);
  speed.record(0, 0);
  speed.record(1000, 1000);
  expect(speed.bytesPerSecond).toBe(1000);
  for (let t = 2000; t <= 12000; t += 1000) speed.record(1000 + (t - 1000) * 5, t);
  expect(speed.bytesPerSecond).toBeCloseTo(5000);
});

it("formats sizes with units", () => {
  expect([1500, 2_340_000, 2_000_000_000].map(formatBytes)).toEqual(["2 kB", "2.3 MB", "2.00 GB"]);
});
