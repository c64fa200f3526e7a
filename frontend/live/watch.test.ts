import { expect, it } from "vitest";
import { query } from "./watch";

it("names each row once, by kind", () => {
  const rows = [
    { kind: "run", id: "a" },
    { kind: "upload", id: "u" },
    { kind: "run", id: "b" },
    { kind: "run", id: "a" },
  ];
  expect(query(rows)).toBe("runs=a,b&uploads=u");
  expect(query([])).toBe("");
});
