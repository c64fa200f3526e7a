import { expect, it } from "vitest";
import { relativeTime } from "./relative-time";

const now = Date.parse("2026-11-21T12:30:00Z");
const at = (text: string) => relativeTime(Date.parse(text), now, "UTC");

it("formats times relative to now", () => {
  expect(at("2026-11-21T12:29:30Z")).toBe("just now");
  expect(at("2026-11-21T12:27:10Z")).toBe("2 min ago");
  expect(at("2026-11-21T09:05:00Z")).toBe("09:05");
  expect(at("2026-11-20T23:59:00Z")).toBe("20 Nov");
  expect(at("2025-12-31T10:00:00Z")).toBe("31 Dec 2025");
  expect(at("2026-12-03T10:00:00Z")).toBe("3 Dec");
});
