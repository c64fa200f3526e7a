/** Keeps every `[data-live]` element of a page up to date: by server-sent events, else by polling. */
import { wireThemeSwitch } from "./theme";
import { isFinal, left, type RowState } from "./words";

type Kind = "upload" | "run";
const POLL_MS = 2000;

function elements(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("[data-live][data-id]")];
}

function ids(kind: Kind): string[] {
  return [
    ...new Set(
      elements()
        .filter((e) => e.dataset.live === kind)
        .map((e) => e.dataset.id as string),
    ),
  ];
}

const spoken = document.createElement("p");
spoken.className = "visually-hidden";
spoken.setAttribute("aria-live", "polite");

/** Show a row's state; true when that row has just come to its end. */
function show(kind: Kind, state: RowState): boolean {
  let ended = false;
  for (const element of elements()) {
    if (element.dataset.live !== kind || element.dataset.id !== state.id) continue;
    const bar = element.querySelector("progress");
    if (bar) bar.value = state.progress;
    put(element, "[data-stage]", state.error || state.stage);
    put(element, "[data-left]", left(state));
    const status = element.querySelector("[data-status]");
    if (status) {
      status.textContent = state.status;
      status.className = `status status-${state.status}`;
    }
    if (isFinal(state.status) && !element.dataset.ended) {
      element.dataset.ended = "yes";
      ended = true;
      spoken.textContent = `${kind} ${state.status}`;
    }
  }
  return ended;
}

function put(element: HTMLElement, selector: string, text: string): void {
  const child = element.querySelector(selector);
  if (child && child.textContent !== text) child.textContent = text;
}

/** Fetch the page again and put its new content in place, so that links, figures and filmstrips appear; forms in use stay. */
async function refresh(): Promise<void> {
  if (document.activeElement?.matches("input, textarea, select") || document.querySelector("[data-busy]")) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  const here = document.querySelector("main");
  if (next && here) here.replaceChildren(...next.childNodes);
}

async function poll(): Promise<void> {
  const rows: Array<[Kind, string]> = [
    ...ids("upload").map((id): [Kind, string] => ["upload", id]),
    ...ids("run").map((id): [Kind, string] => ["run", id]),
  ];
  let ended = false;
  for (const [kind, id] of rows) {
    const answer = await fetch(`/api/v1/${kind}s/${id}/`).catch(() => null);
    if (answer?.ok) ended = show(kind, (await answer.json()) as RowState) || ended;
  }
  if (ended) await refresh();
  if (elements().some((e) => !e.dataset.ended)) setTimeout(poll, POLL_MS);
}

function listen(): void {
  const uploads = ids("upload");
  const runs = ids("run");
  if (!uploads.length && !runs.length) return;
  const source = new EventSource(`/api/v1/events/?uploads=${uploads.join(",")}&runs=${runs.join(",")}`);
  let failures = 0;
  const onRow = (kind: Kind) => (event: MessageEvent<string>) => {
    failures = 0;
    if (!show(kind, JSON.parse(event.data) as RowState)) return;
    void refresh().then(() => {
      source.close();
      listen();
    });
  };
  source.addEventListener("upload", onRow("upload") as EventListener);
  source.addEventListener("run", onRow("run") as EventListener);
  source.onerror = () => {
    failures += 1;
    if (failures < 3 && source.readyState !== EventSource.CLOSED) return;
    source.close();
    void poll();
  };
  addEventListener("pagehide", () => source.close(), { once: true });
}

document.body.append(spoken);
wireThemeSwitch();
if (!document.getElementById("viewer")) listen();
