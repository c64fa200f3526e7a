/** Keys of every page but the viewer, which has its own: `?` shows them, `/` searches, `g` and a letter goes somewhere. */

const PLACES: Record<string, [string, string]> = {
  h: ["/", "Home"],
  s: ["/subjects/", "Subjects"],
  u: ["/uploads/", "Uploads"],
  b: ["/benchmarks/", "Benchmarks"],
  a: ["/account/", "Account"],
};
const AFTER_G_MS = 1200;

function makeHelp(): HTMLDialogElement {
  const dialog = document.createElement("dialog");
  dialog.className = "keys";
  dialog.setAttribute("aria-label", "Keys");
  const rows: Array<[string, string]> = [
    ["?", "Show this"],
    ["/", "Find"],
    ...Object.entries(PLACES).map(([key, [, name]]): [string, string] => [`g ${key}`, name]),
  ];
  const title = document.createElement("h2");
  title.textContent = "Keys";
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

export function wireKeys(): void {
  const help = makeHelp();
  let wentAt = 0;
  for (const button of document.querySelectorAll<HTMLElement>("[data-keys]")) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }
  addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input, textarea, select")) return;
    const place = PLACES[event.key];
    if (event.key === "?") help.open ? help.close() : help.showModal();
    else if (event.key === "/") {
      const search = document.querySelector<HTMLInputElement>("[data-search]");
      if (!search) return;
      search.focus();
    } else if (event.key === "g") {
      wentAt = event.timeStamp;
      return;
    } else if (place && event.timeStamp - wentAt < AFTER_G_MS && wentAt) location.assign(place[0]);
    else return;
    event.preventDefault();
  });
}
