import { describe, expect, it } from "vitest";
import { usesKey } from "./control-keys";

const input = (type: string) => ({ tagName: "INPUT", type });

describe("the focused control", () => {
  it("uses every key if it is a text field", () => {
    for (const type of ["text", "search", "number", "email", "url", "password", "date"])
      expect(["a", "1", " ", "ArrowLeft", "?"].every((key) => usesKey(input(type), key))).toBe(true);
    expect(usesKey({ tagName: "TEXTAREA" }, "g")).toBe(true);
    expect(usesKey({ tagName: "DIV", isContentEditable: true }, "g")).toBe(true);
  });
  it("uses only the keys that change it if it is another control", () => {
    expect(["ArrowLeft", "Home", "1", "w", " "].map((key) => usesKey(input("range"), key))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(["ArrowDown", " ", "w", "?"].map((key) => usesKey({ tagName: "SELECT" }, key))).toEqual([true, true, false, false]);
    expect([" ", "g", "?"].map((key) => usesKey(input("checkbox"), key))).toEqual([true, false, false]);
    expect([" ", "w"].map((key) => usesKey({ tagName: "BUTTON" }, key))).toEqual([true, false]);
  });
  it("returns false for every key if nothing has focus", () => {
    expect(usesKey(null, " ")).toBe(false);
    expect(usesKey({ tagName: "BODY" }, " ")).toBe(false);
  });
});
