/** Which keys the focused control needs itself, so that keyboard shortcuts leave them alone and take all others. */

const CARET = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];
const BY_INPUT_TYPE: Record<string, string[]> = {
  range: CARET,
  radio: [...CARET, " "],
  checkbox: [" "],
  button: [" ", "Enter"],
  submit: [" ", "Enter"],
  reset: [" ", "Enter"],
  image: [" ", "Enter"],
  file: [" ", "Enter"],
  color: [" ", "Enter"],
};
const BY_TAG: Record<string, string[]> = {
  SELECT: [...CARET, " ", "Enter"],
  BUTTON: [" ", "Enter"],
  SUMMARY: [" ", "Enter"],
  A: ["Enter"],
};

export interface Control {
  tagName: string;
  type?: string;
  isContentEditable?: boolean;
}

/** Whether the control uses this key. Where text is entered, every key is its own. */
export function usesKey(control: Control | null, key: string): boolean {
  if (!control) return false;
  if (control.isContentEditable || control.tagName === "TEXTAREA") return true;
  if (control.tagName === "INPUT") return BY_INPUT_TYPE[control.type ?? "text"]?.includes(key) ?? true;
  return BY_TAG[control.tagName]?.includes(key) ?? false;
}

/**
 * Gives the keys back to the page after a control was used with the pointer: a slider, select or checkbox loses the focus
 * once its value is set. Whoever came to it by keyboard keeps it. Returns the function that ends this.
 */
export function releaseAfterPointer(root: HTMLElement): () => void {
  let usedPointer = false;
  const onPointerDown = () => {
    usedPointer = true;
  };
  const onKeyDown = () => {
    usedPointer = false;
  };
  const release = (event: Event) => {
    const control = event.target as HTMLElement;
    if (usedPointer && control.matches("select, [type=range], [type=checkbox], [type=radio]")) control.blur();
  };
  const onPointerUp = (event: Event) => {
    if ((event.target as HTMLElement).matches("[type=range]")) release(event); // also when the value is the old one
  };
  const listeners = { pointerdown: onPointerDown, keydown: onKeyDown, change: release, pointerup: onPointerUp };
  for (const [type, listener] of Object.entries(listeners)) root.addEventListener(type, listener);
  return () => {
    for (const [type, listener] of Object.entries(listeners)) root.removeEventListener(type, listener);
  };
}
