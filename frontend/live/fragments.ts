/** Parts of a page that htmx fetches again: `[data-fragment]` when its rows have changed, and the results of a search. */
import htmx from "htmx.org";

let isWaiting = false;

/** Whether somebody is using the fragment: an open dialog or a focused field would be lost. */
function isBusy(fragment: Element): boolean {
  const active = document.activeElement;
  return (
    fragment.querySelector(":popover-open") !== null ||
    Boolean(active && fragment.contains(active) && active.matches("input, select, textarea"))
  );
}

const BUSY_MS = 2000;
const LOADING_MS = 200;

/** Fetch every fragment again, once nobody is using one and none is on its way: what is on its way may be older. */
export function refreshFragments(): void {
  const fragments = [...document.querySelectorAll("[data-fragment]")];
  const isLoading = fragments.some((fragment) => fragment.classList.contains("htmx-request"));
  if (isLoading || fragments.some(isBusy)) {
    if (!isWaiting)
      setTimeout(
        () => {
          isWaiting = false;
          refreshFragments();
        },
        isLoading ? LOADING_MS : BUSY_MS,
      );
    isWaiting = true;
    return;
  }
  for (const fragment of fragments) htmx.trigger(fragment, "stale", {});
}

/** Call `onLoaded` with each part that htmx has put into the page. */
export function watchFragments(onLoaded: (root: ParentNode) => void): void {
  htmx.onLoad((element) => onLoaded(element as HTMLElement));
}
