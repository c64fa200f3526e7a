/** @jsxImportSource preact */
/** The list of keys, as a dialogue. */

import { useEffect, useRef } from "preact/hooks";
import type { Model } from "./model";
import type { Shortcut } from "./shortcuts";

export function Help({ model, table }: { model: Model; table: Shortcut[] }) {
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
    <dialog ref={dialog} class="help" aria-label="Keys" onClose={close}>
      <h2>Keys</h2>
      <dl>
        {table.map((entry) => (
          <div key={entry.shown}>
            <dt>
              <kbd>{entry.shown}</kbd>
            </dt>
            <dd>{entry.does}</dd>
          </div>
        ))}
      </dl>
      <p>In 3D: drag to turn, pinch or wheel to come near, drag with two fingers or the right button to move.</p>
      <button type="button" class="small" onClick={close}>
        Close
      </button>
    </dialog>
  );
}
