/** How certain joints are, in words. */

import { JOINT_NAMES } from "./comments";
import type { Certainty } from "./viewer-track";

const MOST = 255;

const millimetres = (std: number) => (std === MOST ? "127 mm or more" : `${Math.round(std / 2)} mm`);

/** "index 4: not seen, ± 23 mm"; the name alone for a joint without a record. */
export function jointInWords(joint: number, certainty: Certainty | null): string {
  const name = JOINT_NAMES[joint] ?? `joint ${joint}`;
  if (!certainty) return name;
  const std = certainty.std[joint] as number;
  const parts = [...(certainty.seen[joint] ? [] : ["not seen"]), ...(std ? [`± ${millimetres(std)}`] : [])];
  return parts.length ? `${name}: ${parts.join(", ")}` : name;
}

/** "5 of 21 joints not seen (± 12–41 mm)"; empty where all were. */
export function unseenInWords({ std, seen }: Certainty): string {
  const unseen = [...std].filter((_, joint) => !seen[joint]);
  if (!unseen.length) return "";
  const [least, most] = [Math.min(...unseen), Math.max(...unseen)];
  const range =
    Math.round(least / 2) === Math.round(most / 2) ? millimetres(most) : `${Math.round(least / 2)}–${millimetres(most)}`;
  return `${unseen.length} of ${seen.length} joints not seen${most ? ` (± ${range})` : ""}`;
}
