import { unzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { imageSetName, packImages, uniqueNames } from "./image-set";

const file = (name: string, type = "") => new File([name], name, { type });

describe("image sets", () => {
  it("are named after the common start of the names", () => {
    expect(imageSetName(["hand_01.jpg", "hand_02.jpg"])).toBe("hand (2).zip");
    expect(imageSetName(["a.png", "b.png", "c.png"])).toBe("images (3).zip");
  });
  it("hold every image once, in the order of names", async () => {
    const set = await packImages([file("p10.jpg"), file("p2.jpg"), file("p2.jpg")]);
    const inside = unzipSync(new Uint8Array(await set.arrayBuffer()));
    expect(Object.keys(inside)).toEqual(["p2.jpg", "p2-2.jpg", "p10.jpg"]);
  });
  it("are named after their folder", async () => {
    expect((await packImages([file("1.png"), file("2.png")], "scan/left")).name).toBe("left (2).zip");
  });
  it("need at least two images", async () => {
    const one = file("only.jpg");
    expect(await packImages([one])).toBe(one);
  });
  it("number duplicate names", () => {
    expect(uniqueNames(["a.jpg", "a.jpg", "b", "b"])).toEqual(["a.jpg", "a-2.jpg", "b", "b-2"]);
  });
});
