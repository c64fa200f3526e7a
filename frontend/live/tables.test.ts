import { describe, expect, it } from "vitest";
import { compare, sortKey, sortsUp, toCsv, toMarkdown } from "./tables";

describe("sorting", () => {
  it("reads numbers with units, signs and thousands", () => {
    expect(["12.5 mm", "1,234", "−3.1 px", "40 %", "7"].map(sortKey)).toEqual([12.5, 1234, -3.1, 40, 7]);
    expect(["2D fit", "Ben"].map(sortKey)).toEqual(["2d fit", "ben"]);
  });
  it("keeps missing values last in both directions", () => {
    const rows = ["3 px", "–", "10 px", ""];
    expect([...rows].sort((a, b) => compare(a, b, true)).slice(0, 2)).toEqual(["3 px", "10 px"]);
    expect([...rows].sort((a, b) => compare(a, b, false)).slice(0, 2)).toEqual(["10 px", "3 px"]);
  });
});

describe("a click on a heading", () => {
  const head = { ariaSort: null, isNumeric: true };
  it("sorts the best first, or the largest if the metric has no direction", () => {
    expect(sortsUp({ ...head, better: "lower" })).toBe(true);
    expect(sortsUp({ ...head, better: "higher" })).toBe(false);
    expect(sortsUp(head)).toBe(false);
    expect(sortsUp({ ...head, isNumeric: false })).toBe(true);
  });
  it("reverses the order if the table is sorted by it already", () => {
    expect(sortsUp({ ...head, better: "lower", ariaSort: "ascending" })).toBe(false);
    expect(sortsUp({ ...head, better: "lower", ariaSort: "descending" })).toBe(true);
  });
});

describe("copying", () => {
  it("quotes CSV where needed, and neutralises formulas", () => {
    expect(
      toCsv([
        ["a,b", 'say "x"'],
        ["=1+1", "-2.5"],
      ]),
    ).toBe('"a,b","say ""x"""\r\n\'=1+1,-2.5');
  });
  it("escapes special characters of Markdown", () => {
    expect(
      toMarkdown([
        ["a", "b"],
        ["1|2", "3"],
      ]),
    ).toBe("| a | b |\n| --- | --- |\n| 1\\|2 | 3 |");
  });
});
