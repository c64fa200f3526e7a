import { expect, it } from "vitest";
import { VIRIDIS, viridis } from "./viridis";

it("the colour scale goes from dark blue to yellow, gets steadily lighter, and is clamped at its ends", () => {
  expect(viridis(0)).toEqual([68, 1, 84]);
  expect(viridis(1)).toEqual([253, 231, 37]);
  expect(viridis(-1)).toEqual(viridis(0));
  expect(viridis(7)).toEqual(viridis(1));
  expect(viridis(0.5 / (VIRIDIS.length - 1))).toEqual([70, 13.5, 96]);
  const light = Array.from({ length: 101 }, (_, k) => {
    const [r, g, b] = viridis(k / 100);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  });
  for (let k = 1; k < light.length; k++) expect(light[k]).toBeGreaterThan(light[k - 1] as number);
});
