import { describe, expect, it } from "vitest";
import { type CommentInfo, inOrder, JOINT_NAMES, jointOf } from "./comments";

const comment = (id: string, frame: number, created_at: string) => ({ id, frame, created_at }) as CommentInfo;

describe("comments", () => {
  it("name 21 joints, from the wrist to the tip of the little finger", () => {
    expect(JOINT_NAMES).toHaveLength(21);
    expect([JOINT_NAMES[0], JOINT_NAMES[4], JOINT_NAMES[20]]).toEqual(["wrist", "thumb 4", "pinky 4"]);
  });

  it("say which joint of which hand they are about", () => {
    expect(jointOf({ side: "left", joint: 4 })).toBe("left thumb 4");
    expect(jointOf({ side: "", joint: null })).toBe("");
  });

  it("are ordered by frame, then by when they were written", () => {
    const given = [comment("c", 5, "2026-02-01"), comment("a", 2, "2026-03-01"), comment("b", 5, "2026-01-01")];
    expect(inOrder(given).map(({ id }) => id)).toEqual(["a", "b", "c"]);
  });
});
