/**
 * A page that embeds a shared viewer steers it by messages, and hears what it shows. Messages are taken from the frame's parent
 * alone, and only when its origin is one of the sites that the share link names.
 */

import { effect, type Signal } from "@preact/signals";
import { ALIGNMENTS, type Alignment } from "../metrics/alignment";
import type { CameraState } from "./url-state";

const VIEWPOINTS = ["fit", "front", "side", "top"] as const;
export type NamedViewpoint = (typeof VIEWPOINTS)[number];

export type Command =
  | { type: "palmares:seek"; frame: number }
  | { type: "palmares:play" }
  | { type: "palmares:pause" }
  | { type: "palmares:camera"; camera: NamedViewpoint | CameraState }
  | { type: "palmares:methods"; methods: string[] }
  | { type: "palmares:alignment"; alignment: Alignment };

/** What is steered: the clock, the cameras, and the signals of the model. */
export interface Steered {
  clock: { frame: number; playing: boolean; seek(frame: number, source: "url"): void; play(): void; pause(): void };
  readonly runs: ReadonlyArray<{ id: string; info: { value: { method: string } }; shown: Signal<boolean> }>;
  frame: { value: number };
  playing: { value: boolean };
  /** Where the viewer has none, the command is refused. */
  alignment: Signal<Alignment> | undefined;
  setViewpoint(viewpoint: NamedViewpoint): void;
  setCamera(camera: CameraState): void;
}

const isVector = (value: unknown): value is [number, number, number] =>
  Array.isArray(value) && value.length === 3 && value.every((part) => Number.isFinite(part) && Math.abs(part) < 100);

function isCamera(value: unknown): value is CameraState {
  const { position, target } = (value ?? {}) as Partial<CameraState>;
  return isVector(position) && isVector(target) && position.some((part, axis) => Math.abs(part - (target[axis] ?? 0)) > 1e-3);
}

/** The command in a message; a sentence that says what is wrong with it; null for messages of others. */
export function readCommand(data: unknown): Command | string | null {
  if (typeof data !== "object" || data === null) return null;
  const message = data as Record<string, unknown>;
  if (typeof message.type !== "string" || !message.type.startsWith("palmares:")) return null;
  switch (message.type) {
    case "palmares:play":
    case "palmares:pause":
      return { type: message.type };
    case "palmares:seek":
      if (!Number.isInteger(message.frame) || (message.frame as number) < 0) return "`frame` is a whole number from 0.";
      return { type: message.type, frame: message.frame as number };
    case "palmares:camera": {
      const { camera } = message;
      const named = VIEWPOINTS.find((name) => name === camera);
      if (named) return { type: message.type, camera: named };
      if (isCamera(camera)) return { type: message.type, camera };
      return `\`camera\` is one of ${VIEWPOINTS.join(", ")}, or has a \`position\` and a \`target\` of three numbers (metres).`;
    }
    case "palmares:methods": {
      const { methods } = message;
      if (!Array.isArray(methods) || !methods.every((name) => typeof name === "string"))
        return "`methods` is a list of names of methods, or of ids of runs.";
      return { type: message.type, methods };
    }
    case "palmares:alignment": {
      const alignment = ALIGNMENTS.find((name) => name === message.alignment);
      return alignment ? { type: message.type, alignment } : `\`alignment\` is one of ${ALIGNMENTS.join(", ")}.`;
    }
    default:
      return `There is no message ${message.type}.`;
  }
}

/** Do what a command says; a sentence where that is not possible. */
export function follow(command: Command, steered: Steered): string {
  const { clock } = steered;
  switch (command.type) {
    case "palmares:seek":
      clock.seek(command.frame, "url");
      return "";
    case "palmares:play":
      clock.play();
      return "";
    case "palmares:pause":
      clock.pause();
      return "";
    case "palmares:camera":
      if (typeof command.camera === "string") steered.setViewpoint(command.camera);
      else steered.setCamera(command.camera);
      return "";
    case "palmares:methods": {
      const named = (run: Steered["runs"][number]) =>
        command.methods.includes(run.id) || command.methods.includes(run.info.value.method);
      const unknown = command.methods.find(
        (name) => !steered.runs.some((run) => run.id === name || run.info.value.method === name),
      );
      if (unknown !== undefined) return `This view has no method ${unknown}.`;
      for (const run of steered.runs) run.shown.value = named(run);
      return "";
    }
    case "palmares:alignment":
      if (!steered.alignment) return "This view has no ground truth to align to.";
      steered.alignment.value = command.alignment;
      return "";
  }
}

/** Take messages from the parent at `sites`, and send it `palmares:state` on every change. Returns the function that ends it. */
export function acceptSteering(sites: readonly string[], steered: Steered): () => void {
  if (window.parent === window || !sites.length) return () => {};
  const send = (message: object, origin: string) => window.parent.postMessage(message, origin);
  const onMessage = (event: MessageEvent<unknown>) => {
    if (event.source !== window.parent || !sites.includes(event.origin)) return;
    const command = readCommand(event.data);
    if (command === null) return;
    const problem = typeof command === "string" ? command : follow(command, steered);
    if (problem) send({ type: "palmares:error", message: problem }, event.origin);
  };
  addEventListener("message", onMessage);
  const end = effect(() => {
    const shown = steered.runs.filter((run) => run.shown.value);
    const state = {
      type: "palmares:state",
      frame: steered.frame.value,
      playing: steered.playing.value,
      methods: shown.map((run) => run.info.value.method),
      runs: shown.map((run) => run.id),
      alignment: steered.alignment?.value ?? null,
    };
    for (const site of sites) send(state, site); // the browser drops those for other origins
  });
  return () => {
    removeEventListener("message", onMessage);
    end();
  };
}
