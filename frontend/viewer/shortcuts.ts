/** What the keys do, in one table: the page's help shows it, and the page obeys it. */

import type { Clock } from "./clock";
import type { Model } from "./model";

export interface Actions {
  snapshot(): void;
  fullScreen(): void;
  fit(): void;
}

export interface Shortcut {
  keys: string[]; // as `KeyboardEvent.key` has them
  shown: string;
  does: string;
  act(event: { key: string; shiftKey: boolean }): void;
}

/** All shortcuts of a page. */
export function shortcuts(model: Model, clock: Clock, actions: Actions): Shortcut[] {
  const far = (event: { shiftKey: boolean }) => (event.shiftKey ? 10 : 1);
  return [
    { keys: [" ", "k"], shown: "space", does: "play or pause", act: () => clock.toggle() },
    { keys: ["ArrowLeft"], shown: "←", does: "back one frame, with shift ten", act: (event) => clock.step(-far(event), "key") },
    { keys: ["ArrowRight"], shown: "→", does: "on one frame, with shift ten", act: (event) => clock.step(far(event), "key") },
    { keys: ["Home"], shown: "Home", does: "first frame", act: () => clock.seek(0, "key") },
    { keys: ["End"], shown: "End", does: "last frame", act: () => clock.seek(clock.last, "key") },
    { keys: ["["], shown: "[", does: "slower", act: () => clock.changeSpeed(-1) },
    { keys: ["]"], shown: "]", does: "faster", act: () => clock.changeSpeed(1) },
    { keys: ["l"], shown: "l", does: "loop", act: () => clock.setLoop(!clock.loop) },
    {
      keys: [..."123456789"],
      shown: "1–9",
      does: "show or hide a method",
      act: ({ key }) => {
        const run = model.runs[Number(key) - 1];
        if (run) run.shown.value = !run.shown.value;
      },
    },
    {
      keys: ["w"],
      shown: "w",
      does: "wireframe",
      act: () => {
        model.wireframe.value = !model.wireframe.value;
      },
    },
    {
      keys: ["o"],
      shown: "o",
      does: "overlaid in one view",
      act: () => {
        model.layout.value = "overlay";
      },
    },
    {
      keys: ["c"],
      shown: "c",
      does: "compare side by side",
      act: () => {
        model.layout.value = model.layout.value === "side" ? "overlay" : "side";
      },
    },
    { keys: ["r"], shown: "r", does: "fit the hands into the 3D view", act: () => actions.fit() },
    { keys: ["s"], shown: "s", does: "save a picture (PNG)", act: () => actions.snapshot() },
    { keys: ["f"], shown: "f", does: "full screen", act: () => actions.fullScreen() },
    {
      keys: ["?"],
      shown: "?",
      does: "this help",
      act: () => {
        model.help.value = !model.help.value;
      },
    },
  ];
}

/** The shortcut that a key event means, if any. Keys with Ctrl, Alt or Meta belong to the browser; in a field, to the field. */
export function match(table: Shortcut[], event: KeyboardEvent): Shortcut | undefined {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return undefined;
  const field = event.target as HTMLElement | null;
  const kind = field?.tagName;
  if (kind === "TEXTAREA" || kind === "SELECT" || field?.isContentEditable) return undefined;
  if (kind === "INPUT") return undefined;
  // Space and Enter press the button that has the focus.
  if ((kind === "BUTTON" || kind === "A" || kind === "SUMMARY") && event.key === " ") return undefined;
  return table.find((entry) => entry.keys.includes(event.key));
}

/** Obey the table until the returned function is called. */
export function listen(table: Shortcut[]): () => void {
  const heard = (event: KeyboardEvent) => {
    const found = match(table, event);
    if (!found) return;
    event.preventDefault();
    found.act(event);
  };
  document.addEventListener("keydown", heard);
  return () => document.removeEventListener("keydown", heard);
}
