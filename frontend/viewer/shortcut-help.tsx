/** @jsxImportSource preact */
/** The list of keyboard shortcuts, as a dialog. */

import { useEffect, useRef } from "preact/hooks";
import type { Shortcut } from "./shortcuts";
import type { ViewModel } from "./view-model";

export function ShortcutHelp({ model, table }: { model: ViewModel; table: Shortcut[] }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = model.help.value;
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
    if (!open) dialog.current?.close();
  }, [open]);
  const close = () => {
    model.help.value = false;
  };
  return (
    <dialog ref={dialog} class="help" aria-label="Keyboard shortcuts" onClose={close}>
      <h2>Keyboard shortcuts</h2>
      <dl>
        {table.map((entry) => (
          <div key={entry.label}>
            <dt>
              <kbd>{entry.label}</kbd>
            </dt>
            <dd>{entry.description}</dd>
          </div>
        ))}
      </dl>
      <p>In 3D: drag to rotate, pinch or use the wheel to zoom, drag with two fingers or the right button to pan.</p>
      <button type="button" class="small" onClick={close}>
        Close
      </button>
    </dialog>
  );
}
