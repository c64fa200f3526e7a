/** Keeps every `[data-live]` element of a page up to date: by server-sent events, else by polling. */
import { isFinal, left, type RowState } from "./words";

export interface Ended {
  kind: string;
  status: string;
}

const POLL_MS = 2000;
const ENDED_WAIT_MS = 150;
const TRIES = 3;
/** Kinds of work whose rows the API has at `/api/v1/{kind}s/{id}/`. */
const POLLED = new Set(["upload", "run", "submission", "calibration"]);

function elements(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("[data-live][data-id]")];
}

/** The ids on the page by kind, as the address of the events names them; empty where there are none. */
export function query(rows: ReadonlyArray<{ kind: string; id: string }>): string {
  const ids = new Map<string, Set<string>>();
  for (const { kind, id } of rows) ids.set(kind, (ids.get(kind) ?? new Set()).add(id));
  return [...ids].map(([kind, found]) => `${kind}s=${[...found].join(",")}`).join("&");
}

export class Watch {
  private source: EventSource | undefined;
  private followed = "";
  private failures = 0;
  private ended: Ended[] = [];
  private polling = false;

  constructor(private readonly onEnded: (ended: Ended[]) => void) {
    addEventListener("pagehide", () => this.source?.close());
  }

  /** Follow what is on the page now. */
  follow(): void {
    const rows = this.rows();
    const wanted = query(rows);
    if (wanted === this.followed) return;
    this.followed = wanted;
    this.source?.close();
    if (wanted) this.listen(wanted, new Set(rows.map(({ kind }) => kind)));
  }

  private rows(): Array<{ kind: string; id: string }> {
    return elements()
      .filter((e) => !e.dataset.ended)
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
      if (this.failures < TRIES && source.readyState !== EventSource.CLOSED) return;
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
      if (element.dataset.live !== kind || element.dataset.id !== state.id || element.dataset.ended) continue;
      draw(element, state);
      if (!isFinal(state.status)) continue;
      element.dataset.ended = "yes";
      // several rows often end together: the page is drawn anew once
      if (!this.ended.length) setTimeout(() => this.onEnded(this.ended.splice(0)), ENDED_WAIT_MS);
      this.ended.push({ kind, status: state.status });
    }
  }
}

function draw(element: HTMLElement, state: RowState): void {
  const bar = element.querySelector("progress");
  if (bar) bar.value = state.progress;
  const waits = "waits" in element.dataset && state.status === "queued";
  if (!waits) {
    put(element, "[data-stage]", state.error || state.stage);
    put(element, "[data-left]", left(state));
  }
  const status = element.querySelector("[data-status]");
  if (!status) return;
  status.textContent = state.status;
  status.className = `status status-${state.status}`;
}

function put(element: HTMLElement, selector: string, text: string): void {
  const child = element.querySelector(selector);
  if (child && child.textContent !== text) child.textContent = text;
}
