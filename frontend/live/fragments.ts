/** Parts of a page that are drawn anew by htmx: `[data-fragment]` when it is stale, and what a search finds. */
import htmx from "htmx.org";

let isWaiting = false;

/** Whether somebody is in the middle of something that drawing anew would take away. */
function isBusy(fragment: Element): boolean {
  const active = document.activeElement;
  return (
    fragment.querySelector(":popover-open") !== null ||
    Boolean(active && fragment.contains(active) && active.matches("input, select, textarea"))
  );
}

/** Fetch every fragment again; one in use waits until it is not. */
export function drawAnew(): void {
  const fragments = [...document.querySelectorAll("[data-fragment]")];
  if (fragments.some(isBusy)) {
    if (!isWaiting)
      setTimeout(() => {
        isWaiting = false;
        drawAnew();
      }, 2000);
    isWaiting = true;
    return;
  }
  for (const fragment of fragments) htmx.trigger(fragment, "stale", {});
}

/** Call `onDrawn` with each part that htmx has put into the page. */
export function wireFragments(onDrawn: (root: ParentNode) => void): void {
  htmx.onLoad((element) => onDrawn(element as HTMLElement));
}
