/** The viewer's keyboard shortcuts in one table, which the help dialog lists and the key handler uses. */

import { releaseAfterPointer, usesKey } from "../live/control-keys";
import type { Clock } from "./clock";
import type { Layout } from "./url-state";
import type { ViewModel } from "./view-model";

export interface Actions {
  snapshot(): void;
  fullScreen(): void;
  fit(): void;
  comment(): void;
}

export interface Shortcut {
  keys: string[]; // as `KeyboardEvent.key` has them
  label: string;
  description: string;
  run(event: { key: string; shiftKey: boolean }): void;
}

/** All shortcuts of a page. */
export function shortcuts(model: ViewModel, clock: Clock, actions: Actions): Shortcut[] {
  const stepSize = (event: { shiftKey: boolean }) => (event.shiftKey ? 10 : 1);
  const playback: Shortcut[] = [
    { keys: [" ", "k"], label: "space", description: "play or pause", run: () => clock.toggle() },
    {
      keys: ["ArrowLeft"],
      label: "←",
      description: "previous frame, with shift 10 frames back",
      run: (event) => clock.step(-stepSize(event), "key"),
    },
    {
      keys: ["ArrowRight"],
      label: "→",
      description: "next frame, with shift 10 frames on",
      run: (event) => clock.step(stepSize(event), "key"),
    },
    { keys: ["Home"], label: "Home", description: "first frame", run: () => clock.seek(0, "key") },
    { keys: ["End"], label: "End", description: "last frame", run: () => clock.seek(clock.last, "key") },
    { keys: ["["], label: "[", description: "slower", run: () => clock.changeSpeed(-1) },
    { keys: ["]"], label: "]", description: "faster", run: () => clock.changeSpeed(1) },
    { keys: ["l"], label: "l", description: "loop", run: () => clock.setLoop(!clock.loop) },
  ];
  return [
    ...(model.isSingleImage ? [] : playback),
    {
      keys: [..."123456789"],
      label: "1–9",
      description: "show or hide a method",
      run: ({ key }) => {
        const run = model.runs[Number(key) - 1];
        if (run) run.shown.value = !run.shown.value;
      },
    },
    ...(model.truth
      ? [
          {
            keys: ["g"],
            label: "g",
            description: "ground truth as ghost, as wireframe, or off",
            run: () => model.nextTruthStyle(),
          },
        ]
      : []),
    { keys: ["e"], label: "e", description: "error colours", run: () => model.comparison.toggleColours() },
    {
      keys: ["w"],
      label: "w",
      description: "wireframe",
      run: () => {
        model.wireframe.value = !model.wireframe.value;
      },
    },
    {
      keys: ["j"],
      label: "j",
      description: "joints; hollow where nothing saw them, in a ring of their standard deviation",
      run: () => {
        model.skeleton.value = !model.skeleton.value;
      },
    },
    {
      keys: ["o"],
      label: "o",
      description: "overlay all methods",
      run: () => {
        model.layout.value = "overlay";
      },
    },
    layoutKey(model, "c", "side", "side by side"),
    layoutKey(model, "v", "wipe", "two methods, divided by a handle"),
    layoutKey(model, "b", "blink", "two methods in turn"),
    { keys: ["r"], label: "r", description: "fit the hands into the 3D view", run: () => actions.fit() },
    ...(model.boxes?.canWrite
      ? [
          {
            keys: ["h"],
            label: "h",
            description: "add a hand that was missed: draw a box around it",
            run: () => {
              clock.pause();
              model.boxes?.toggleDrawing();
            },
          },
        ]
      : []),
    ...(model.comments?.rights.can_write
      ? [{ keys: ["m"], label: "m", description: "write a comment on this frame", run: () => actions.comment() }]
      : []),
    { keys: ["s"], label: "s", description: "save an image (PNG)", run: () => actions.snapshot() },
    { keys: ["f"], label: "f", description: "full screen", run: () => actions.fullScreen() },
    {
      keys: ["?"],
      label: "?",
      description: "list of shortcuts",
      run: () => {
        model.help.value = !model.help.value;
      },
    },
  ];
}

/** Its layout, or the overlay again. */
function layoutKey(model: ViewModel, key: string, layout: Layout, description: string): Shortcut {
  const run = () => {
    model.layout.value = model.layout.value === layout ? "overlay" : layout;
  };
  return { keys: [key], label: key, description, run };
}

/** The shortcut of a key event, if any. Keys with Ctrl, Alt or Meta belong to the browser, others to the focused control. */
export function match(table: Shortcut[], event: KeyboardEvent): Shortcut | undefined {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return undefined;
  if (usesKey(event.target as HTMLElement | null, event.key)) return undefined;
  return table.find((entry) => entry.keys.includes(event.key));
}

/** Handle key events until the returned function is called; `root` holds the viewer's controls. */
export function handleKeys(table: Shortcut[], root: HTMLElement): () => void {
  const onKey = (event: KeyboardEvent) => {
    const found = match(table, event);
    if (!found) return;
    event.preventDefault();
    found.run(event);
  };
  document.addEventListener("keydown", onKey);
  const stopReleasing = releaseAfterPointer(root);
  return () => {
    document.removeEventListener("keydown", onKey);
    stopReleasing();
  };
}
