import { expect, it } from "vitest";
import { eventQuery } from "./work-updates";

it("the query lists each row once, by kind", () => {
  const rows = [
    { kind: "run", id: "a" },
    { kind: "upload", id: "u" },
    { kind: "run", id: "b" },
    { kind: "run", id: "a" },
  ];
  expect(eventQuery(rows)).toBe("runs=a,b&uploads=u");
  expect(eventQuery([])).toBe("");
});
