/** Subsets of the 21 joints (OpenPose order) over which errors are averaged; alignments always use all joints. */

const range = (first: number, count: number) => Array.from({ length: count }, (_, k) => first + k);

export const JOINT_SUBSETS = {
  all: { title: "all joints", joints: range(0, 21) },
  tips: { title: "fingertips", joints: [4, 8, 12, 16, 20] },
  palm: { title: "wrist and knuckles", joints: [0, 1, 5, 9, 13, 17] },
  thumb: { title: "thumb", joints: range(1, 4) },
  index: { title: "index finger", joints: range(5, 4) },
  middle: { title: "middle finger", joints: range(9, 4) },
  ring: { title: "ring finger", joints: range(13, 4) },
  pinky: { title: "little finger", joints: range(17, 4) },
} as const satisfies Record<string, { title: string; joints: readonly number[] }>;

export type JointSubset = keyof typeof JOINT_SUBSETS;

export const isJointSubset = (name: string): name is JointSubset => Object.hasOwn(JOINT_SUBSETS, name);
