/** What every page runs: fragments that are drawn anew, progress, moments, tables, figures, keys and the theme. */
import { wireCopying } from "./copy";
import { wireFigures } from "./figures";
import { drawAnew, wireFragments } from "./fragments";
import { wireKeys } from "./keys";
import { wireTables } from "./tables";
import { wireThemeSwitch } from "./theme";
import { Watch } from "./watch";
import { showMoments } from "./when";

const MINUTE_MS = 60_000;
const isViewer = document.getElementById("viewer") !== null;

const spoken = document.createElement("p");
spoken.className = "visually-hidden";
spoken.setAttribute("aria-live", "polite");
document.body.append(spoken);

const watch = new Watch((ended) => {
  spoken.textContent = ended.map(({ kind, status }) => `${kind} ${status}`).join(", ");
  drawAnew();
});

/** Make the new parts of a page, or the whole of it, alive. */
function wire(root: ParentNode): void {
  showMoments(root);
  wireTables(root);
  wireCopying(root);
  wireFigures(root);
  if (!isViewer) watch.follow();
}

wireThemeSwitch();
wireFragments(wire);
if (!isViewer) wireKeys();
wire(document);
setInterval(() => showMoments(document), MINUTE_MS);
