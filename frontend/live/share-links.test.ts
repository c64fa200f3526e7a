import { expect, it } from "vitest";
import { shareAddress } from "./share-links";

it("adds the state of the page to the link", () => {
  expect(shareAddress("/shares/new/?kind=viewer&id=7", "?runs=a,b&frame=12")).toBe(
    "/shares/new/?kind=viewer&id=7&state=runs%3Da%2Cb%26frame%3D12",
  );
});

it("leaves the address of a page without a query as it is", () => {
  expect(shareAddress("/shares/new/?kind=board&id=synth", "")).toBe("/shares/new/?kind=board&id=synth");
});
