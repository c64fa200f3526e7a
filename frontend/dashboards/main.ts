/** A dashboard in editing: panels are dragged and resized by pointer or arrow keys, and the layout is saved as a version. */
import { closeUp } from "./empty-panels";
import { arrange, keyMoved, moved, type Place, resized, type Step, stepOf } from "./grid";

interface Panel extends Place {
  kind: string;
}
interface Content {
  panels: Panel[];
}

class Editor {
  private places: Place[];
  private saved: string;
  private version: number;

  constructor(
    private readonly root: HTMLElement,
    private readonly grid: HTMLElement | null,
    private readonly content: Content,
  ) {
    this.places = content.panels.map(({ id, x, y, w, h }) => ({ id, x, y, w, h }));
    this.saved = JSON.stringify(this.places);
    this.version = Number(root.dataset.version);
  }

  start(): void {
    const edit = document.querySelector<HTMLButtonElement>("[data-edit]");
    if (!edit) return;
    edit.hidden = false;
    edit.addEventListener("click", () => this.setEditing(true));
    document.querySelector("[data-done]")?.addEventListener("click", async () => {
      if (await this.save()) this.setEditing(false);
    });
    document.querySelector("[data-save]")?.addEventListener("click", () => this.save());
    const add = document.querySelector<HTMLSelectElement>("[data-add]");
    add?.addEventListener("change", async () => {
      if (add.value && (await this.save())) location.assign(add.value);
    });
    for (const tile of this.grid?.querySelectorAll<HTMLElement>("[data-panel]") ?? []) this.follow(tile);
    if (new URLSearchParams(location.search).get("edit") === "1") this.setEditing(true);
  }

  private setEditing(on: boolean): void {
    this.root.classList.toggle("editing", on);
    for (const part of document.querySelectorAll<HTMLElement>("[data-edit-only]")) part.hidden = !on;
    const edit = document.querySelector<HTMLButtonElement>("[data-edit]");
    if (edit) edit.hidden = on;
    const address = new URL(location.href);
    if (on) address.searchParams.set("edit", "1");
    else address.searchParams.delete("edit");
    history.replaceState(history.state, "", address);
    if (this.grid) closeUp(this.grid);
    if (on) this.grid?.querySelector<HTMLElement>("[data-move]")?.focus();
    else edit?.focus();
  }

  private follow(tile: HTMLElement): void {
    const id = tile.dataset.panel as string;
    for (const [selector, change] of [
      ["[data-move]", moved],
      ["[data-resize]", resized],
    ] as const) {
      const handle = tile.querySelector<HTMLElement>(selector);
      if (!handle) continue;
      handle.addEventListener("pointerdown", (event) => this.drag(event, handle, id, change));
      handle.addEventListener("keydown", (event) => {
        const step = stepOf(event.key);
        if (!step) return;
        event.preventDefault();
        const place = this.place(id);
        this.apply(change === moved ? keyMoved(this.places, place, step) : resized(place, step));
        this.say(describe(this.place(id)));
      });
    }
    for (const link of tile.querySelectorAll<HTMLAnchorElement>(".tile-tools a"))
      link.addEventListener("click", async (event) => {
        event.preventDefault();
        if (await this.save()) location.assign(link.href);
      });
    for (const form of tile.querySelectorAll<HTMLFormElement>(".tile-tools form"))
      form.addEventListener("submit", async (event) => {
        if (JSON.stringify(this.places) === this.saved) return;
        event.preventDefault();
        const button = event.submitter;
        if (await this.save()) form.requestSubmit(button);
      });
  }

  private drag(event: PointerEvent, handle: HTMLElement, id: string, change: (place: Place, step: Step) => Place): void {
    if (!this.grid || event.button !== 0) return;
    const style = getComputedStyle(this.grid);
    const gap = Number.parseFloat(style.columnGap) || 0;
    const column = (this.grid.clientWidth + gap) / style.gridTemplateColumns.split(" ").length;
    const row = Number.parseFloat(style.gridAutoRows) + gap;
    const before = this.places;
    const start = this.place(id);
    const { clientX, clientY } = event;
    handle.setPointerCapture(event.pointerId);
    const move = (now: PointerEvent) => {
      this.places = before;
      this.apply(change(start, [(now.clientX - clientX) / column, (now.clientY - clientY) / row]));
    };
    const end = () => {
      handle.removeEventListener("pointermove", move);
      handle.removeEventListener("pointerup", end);
      handle.removeEventListener("pointercancel", end);
      this.say(describe(this.place(id)));
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", end);
    handle.addEventListener("pointercancel", end);
  }

  private place(id: string): Place {
    return this.places.find((place) => place.id === id) as Place;
  }

  private apply(wanted: Place): void {
    this.places = arrange(this.places, wanted);
    for (const place of this.places) {
      const tile = this.grid?.querySelector<HTMLElement>(`[data-panel="${CSS.escape(place.id)}"]`);
      if (!tile) continue;
      for (const side of ["x", "y", "w", "h"] as const) {
        tile.style.setProperty(`--${side}`, String(place[side]));
        tile.dataset[side] = String(place[side]);
      }
    }
  }

  /** Save the layout where it has changed; whether it is saved. */
  private async save(): Promise<boolean> {
    const now = JSON.stringify(this.places);
    if (now === this.saved) return true;
    const panels = this.content.panels.map((panel) => ({ ...panel, ...this.place(panel.id) }));
    const answer = await fetch(`/api/v1/dashboards/${this.root.dataset.dashboard}/`, {
      method: "PATCH",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
      body: JSON.stringify({ content: { ...this.content, panels }, based_on: this.version }),
    }).catch(() => null);
    const body = (await answer?.json().catch(() => null)) as { version?: number; detail?: string } | null;
    if (!answer?.ok) {
      this.say(`The layout was not saved: ${body?.detail ?? "the server does not answer."}`);
      return false;
    }
    this.saved = now;
    this.version = body?.version ?? this.version;
    for (const field of document.querySelectorAll<HTMLInputElement>('input[name="based_on"]'))
      field.value = String(this.version);
    this.say(`Saved as version ${this.version}.`);
    return true;
  }

  private say(text: string): void {
    const status = document.querySelector("[data-edit-status]");
    if (status) status.textContent = text;
  }
}

function describe({ x, y, w, h }: Place): string {
  return `Column ${x + 1}, row ${y + 1}, ${w} wide, ${h} high.`;
}

function csrfToken(): string {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

const root = document.getElementById("dashboard");
const content = document.getElementById("dashboard-content")?.textContent;
if (root && content) new Editor(root, root.querySelector<HTMLElement>("[data-grid]"), JSON.parse(content) as Content).start();
