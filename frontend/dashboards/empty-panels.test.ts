import { expect, it } from "vitest";
import { closedUp } from "./empty-panels";
import type { Place } from "./grid";

const place = (id: string, x: number, y: number, w: number, h: number): Place => ({ id, x, y, w, h });
const places = [place("board", 0, 0, 7, 14), place("curves", 7, 0, 5, 14), place("table", 0, 14, 12, 12)];
const rowsOf = (found: readonly Place[]) => found.map(({ id, y, h }) => [id, y, h]);

it("moves a panel up where all above it show a sentence alone", () => {
  const needed = new Map([
    ["board", 2],
    ["curves", 3],
  ]);
  expect(rowsOf(closedUp(places, needed))).toEqual([
    ["board", 0, 2],
    ["curves", 0, 3],
    ["table", 3, 12],
  ]);
});

it("keeps it below a neighbour that shows something", () => {
  expect(rowsOf(closedUp(places, new Map([["curves", 3]])))).toEqual([
    ["board", 0, 14],
    ["curves", 0, 3],
    ["table", 14, 12],
  ]);
});

it("never makes a panel taller", () => {
  expect(rowsOf(closedUp([place("a", 0, 0, 12, 2)], new Map([["a", 5]])))).toEqual([["a", 0, 2]]);
});

it("leaves all places as they are, gaps included, where every panel shows something", () => {
  const apart = [place("a", 0, 4, 6, 4), place("b", 0, 20, 6, 4)];
  expect(closedUp(apart, new Map())).toEqual(apart);
});
