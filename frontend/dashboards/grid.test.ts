import { describe, expect, it } from "vitest";
import { arrange, keyMoved, moved, type Place, resized, stepOf } from "./grid";

const place = (id: string, x: number, y: number, w: number, h: number): Place => ({ id, x, y, w, h });

function free(places: readonly Place[]): boolean {
  return places.every((a, i) =>
    places.slice(i + 1).every((b) => a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y),
  );
}

describe("arrange", () => {
  const two = [place("a", 0, 0, 6, 4), place("b", 6, 0, 6, 4)];

  it("moves panels down that would overlap", () => {
    const after = arrange(two, place("b", 2, 0, 6, 4));
    expect(after).toEqual([place("a", 0, 4, 6, 4), place("b", 2, 0, 6, 4)]);
  });

  it("moves panels up into gaps", () => {
    expect(arrange([place("a", 0, 9, 6, 4)], place("a", 0, 9, 6, 4))).toEqual([place("a", 0, 0, 6, 4)]);
  });

  it("never lets two panels overlap, for any moves", () => {
    let places = [place("a", 0, 0, 6, 4), place("b", 6, 0, 6, 4), place("c", 0, 4, 12, 2), place("d", 3, 6, 5, 7)];
    for (let step = 0; step < 200; step += 1) {
      const chosen = places[(7 * step) % places.length] as Place;
      const shift: [number, number] = [((5 * step) % 13) - 6, ((3 * step) % 11) - 5];
      places = arrange(places, step % 2 ? moved(chosen, shift) : resized(chosen, shift));
      expect(free(places)).toBe(true);
      expect(places.every(({ x, y, w, h }) => x >= 0 && y >= 0 && x + w <= 12 && w >= 1 && h >= 1)).toBe(true);
    }
  });
});

it("keeps panels on the grid", () => {
  expect(moved(place("a", 8, 0, 4, 4), [5, -3])).toEqual(place("a", 8, 0, 4, 4));
  expect(resized(place("a", 8, 0, 4, 4), [5, -9])).toEqual(place("a", 8, 0, 4, 1));
});

it("moves by arrow keys past the panel above or below", () => {
  const places = [place("a", 0, 0, 12, 4), place("b", 0, 4, 12, 3)];
  const up = keyMoved(places, places[1] as Place, [0, -1]);
  expect(arrange(places, up).map(({ y }) => y)).toEqual([3, 0]);
  const down = keyMoved(places, places[0] as Place, [0, 1]);
  expect(arrange(places, down).map(({ y }) => y)).toEqual([3, 0]);
  expect(keyMoved(places, place("a", 0, 0, 6, 4), [1, 0]).x).toBe(1);
});

it("reads arrow keys only", () => {
  expect(stepOf("ArrowLeft")).toEqual([-1, 0]);
  expect(stepOf("a")).toBeNull();
});
