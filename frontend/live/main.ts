/** What every page runs: fragments, progress, relative times, tables, dashboards, SVG export, shortcuts and the theme. */
import { closeUp } from "../dashboards/empty-panels";
import { addCopyButtons } from "./copy-buttons";
import { refreshFragments, watchFragments } from "./fragments";
import { enablePageShortcuts } from "./page-shortcuts";
import { showRelativeTimes } from "./relative-time";
import { enableShareLinks } from "./share-links";
import { addSvgExport } from "./svg-export";
import { enhanceTables } from "./tables";
import { enableThemeSwitch } from "./theme";
import { WorkUpdates } from "./work-updates";

const MINUTE_MS = 60_000;
const isViewer = document.getElementById("viewer") !== null;

const announcer = document.createElement("p");
announcer.className = "visually-hidden";
announcer.setAttribute("aria-live", "polite");
document.body.append(announcer);

const updates = new WorkUpdates((finished) => {
  announcer.textContent = finished.map(({ kind, status }) => `${kind} ${status}`).join(", ");
  refreshFragments();
});

function closeUpGrids(): void {
  for (const grid of document.querySelectorAll<HTMLElement>("[data-grid]")) closeUp(grid);
}

/** Set up new parts of a page, or the whole of it. */
function setUp(root: ParentNode): void {
  showRelativeTimes(root);
  enhanceTables(root);
  addCopyButtons(root);
  addSvgExport(root);
  enableShareLinks(root);
  closeUpGrids();
  if (!isViewer) updates.follow();
}

enableThemeSwitch();
watchFragments(setUp);
if (!isViewer) enablePageShortcuts();
setUp(document);
window.addEventListener("resize", closeUpGrids);
setInterval(() => showRelativeTimes(document), MINUTE_MS);
