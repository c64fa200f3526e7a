/** A button beside what people copy: a token (`[data-copy-code]`), or the address in a message (`[data-copy-link]`). */

function addButton(element: HTMLElement, text: string): void {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  });
  element.append(" ", button);
}

export function addCopyButtons(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLElement>("[data-copy-code], [data-copy-link]")) {
    if ("wired" in element.dataset) continue;
    element.dataset.wired = "";
    const text =
      "copyCode" in element.dataset
        ? element.querySelector("code")?.textContent
        : /https?:\/\/\S+/.exec(element.textContent ?? "")?.[0];
    if (text) addButton(element, text);
  }
}
