import { unzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { asFiles, distinct, setName } from "./sets";

const file = (name: string, type = "") => new File([name], name, { type });

describe("sets of pictures", () => {
  it("are called after what their names share", () => {
    expect(setName(["hand_01.jpg", "hand_02.jpg"])).toBe("hand (2).zip");
    expect(setName(["a.png", "b.png", "c.png"])).toBe("pictures (3).zip");
  });
  it("hold every picture once, in the order of names", async () => {
    const [video, set] = await asFiles([file("p10.jpg"), file("p2.jpg"), file("clip.mp4"), file("p2.jpg")]);
    expect(video?.name).toBe("clip.mp4");
    const inside = unzipSync(new Uint8Array(await (set as File).arrayBuffer()));
    expect(Object.keys(inside)).toEqual(["p2.jpg", "p2-2.jpg", "p10.jpg"]);
  });
  it("begin with the second picture", async () => {
    const one = file("only.jpg");
    expect(await asFiles([one])).toEqual([one]);
  });
  it("number names that come twice", () => {
    expect(distinct(["a.jpg", "a.jpg", "b", "b"])).toEqual(["a.jpg", "a-2.jpg", "b", "b-2"]);
  });
});
