/** Keyboard shortcuts of every page but the viewer, which has its own: `?` lists them, `/` searches, `g` and a letter opens a page. */
import { usesKey } from "./control-keys";

const PAGES: Record<string, [string, string]> = {
  h: ["/", "Home"],
  s: ["/subjects/", "Subjects"],
  u: ["/uploads/", "Uploads"],
  b: ["/benchmarks/", "Benchmarks"],
  a: ["/account/", "Account"],
};
const SECOND_KEY_MS = 1200;

function makeHelp(): HTMLDialogElement {
  const dialog = document.createElement("dialog");
  dialog.className = "keys";
  dialog.setAttribute("aria-label", "Keyboard shortcuts");
  const rows: Array<[string, string]> = [
    ["?", "Show this list"],
    ["/", "Search"],
    ...Object.entries(PAGES).map(([key, [, name]]): [string, string] => [`g ${key}`, name]),
  ];
  const title = document.createElement("h2");
  title.textContent = "Keyboard shortcuts";
  const list = document.createElement("dl");
  list.className = "facts";
  for (const [key, meaning] of rows) {
    const term = document.createElement("dt");
    for (const part of key.split(" ")) term.append(Object.assign(document.createElement("kbd"), { textContent: part }), " ");
    list.append(term, Object.assign(document.createElement("dd"), { textContent: meaning }));
  }
  const close = Object.assign(document.createElement("button"), { textContent: "Close", autofocus: true });
  close.addEventListener("click", () => dialog.close());
  dialog.append(title, list, close);
  document.body.append(dialog);
  return dialog;
}

export function enablePageShortcuts(): void {
  const help = makeHelp();
  let firstKeyAt = 0;
  for (const button of document.querySelectorAll<HTMLElement>("[data-keys]")) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }
  addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || usesKey(target, event.key)) return;
    const page = PAGES[event.key];
    if (event.key === "?") help.open ? help.close() : help.showModal();
    else if (event.key === "/") {
      const search = document.querySelector<HTMLInputElement>("[data-search]");
      if (!search) return;
      search.focus();
    } else if (event.key === "g") {
      firstKeyAt = event.timeStamp;
      return;
    } else if (page && event.timeStamp - firstKeyAt < SECOND_KEY_MS && firstKeyAt) location.assign(page[0]);
    else return;
    event.preventDefault();
  });
}
