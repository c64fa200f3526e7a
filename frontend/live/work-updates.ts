/** Keeps every `[data-live]` element of a page up to date: by server-sent events, else by polling. */
import { isFinal, type RowState, remaining } from "./status-text";

export interface FinishedWork {
  kind: string;
  status: string;
}

const POLL_MS = 2000;
const BATCH_MS = 150;
const CONNECTION_ATTEMPTS = 3;
/** Kinds of work whose rows the API has at `/api/v1/{kind}s/{id}/`. */
const POLLED = new Set(["upload", "run", "submission", "calibration"]);

function elements(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("[data-live][data-id]")];
}

/** The ids on the page by kind, as the query of the event stream names them; empty where there are none. */
export function eventQuery(rows: ReadonlyArray<{ kind: string; id: string }>): string {
  const ids = new Map<string, Set<string>>();
  for (const { kind, id } of rows) ids.set(kind, (ids.get(kind) ?? new Set()).add(id));
  return [...ids].map(([kind, found]) => `${kind}s=${[...found].join(",")}`).join("&");
}

export class WorkUpdates {
  private source: EventSource | undefined;
  private followed = "";
  private failures = 0;
  private finished: FinishedWork[] = [];
  private polling = false;

  constructor(private readonly onFinished: (finished: FinishedWork[]) => void) {
    addEventListener("pagehide", () => this.source?.close());
  }

  /** Follow the rows that are on the page now. */
  follow(): void {
    const rows = this.rows();
    const wanted = eventQuery(rows);
    if (wanted === this.followed) return;
    this.followed = wanted;
    this.source?.close();
    if (wanted) this.listen(wanted, new Set(rows.map(({ kind }) => kind)));
  }

  private rows(): Array<{ kind: string; id: string }> {
    return elements()
      .filter((e) => !e.dataset.finished)
      .map((e) => ({ kind: e.dataset.live as string, id: e.dataset.id as string }));
  }

  private listen(wanted: string, kinds: Set<string>): void {
    const source = new EventSource(`/api/v1/events/?${wanted}`);
    this.source = source;
    for (const kind of kinds) {
      source.addEventListener(kind, ((event: MessageEvent<string>) => {
        this.failures = 0;
        this.show(kind, JSON.parse(event.data) as RowState);
      }) as EventListener);
    }
    source.onerror = () => {
      this.failures += 1;
      if (this.failures < CONNECTION_ATTEMPTS && source.readyState !== EventSource.CLOSED) return;
      source.close();
      if (!this.polling) void this.poll();
    };
  }

  private async poll(): Promise<void> {
    this.polling = true;
    for (const { kind, id } of this.rows()) {
      if (!POLLED.has(kind)) continue;
      const answer = await fetch(`/api/v1/${kind}s/${id}/`).catch(() => null);
      if (answer?.ok) this.show(kind, (await answer.json()) as RowState);
    }
    this.polling = false;
    if (this.rows().length) setTimeout(() => void this.poll(), POLL_MS);
  }

  private show(kind: string, state: RowState): void {
    for (const element of elements()) {
      if (element.dataset.live !== kind || element.dataset.id !== state.id || element.dataset.finished) continue;
      showState(element, state);
      if (!isFinal(state.status)) continue;
      element.dataset.finished = "yes";
      // several rows often end together: the page is refreshed once
      if (!this.finished.length) setTimeout(() => this.onFinished(this.finished.splice(0)), BATCH_MS);
      this.finished.push({ kind, status: state.status });
    }
  }
}

function showState(element: HTMLElement, state: RowState): void {
  const bar = element.querySelector("progress");
  if (bar) bar.value = state.progress;
  const waits = "waits" in element.dataset && state.status === "queued";
  if (!waits) {
    setText(element, "[data-stage]", state.error || state.stage);
    setText(element, "[data-left]", remaining(state));
  }
  const status = element.querySelector("[data-status]");
  if (!status) return;
  status.textContent = state.status;
  status.className = `status status-${state.status}`;
}

function setText(element: HTMLElement, selector: string, text: string): void {
  const child = element.querySelector(selector);
  if (child && child.textContent !== text) child.textContent = text;
}
