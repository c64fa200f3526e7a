/** Tables: sorted by a click on a heading (`[data-sortable]`), and copied as CSV or Markdown (`[data-tools]`). */

export type Cells = string[][];

/** What a cell sorts by: its number, where it holds one. */
export function sortKey(text: string): number | string {
  const trimmed = text.trim();
  const number = /^[−+-]?\d[\d,]*(\.\d+)?(?=\s|$|%)/.exec(trimmed)?.[0];
  return number === undefined ? trimmed.toLowerCase() : Number(number.replace("−", "-").replaceAll(",", ""));
}

/** Numbers before words, "–" last in both directions. */
export function compare(a: string, b: string, ascending: boolean): number {
  const empty = (text: string) => text.trim() === "" || text.trim() === "–";
  if (empty(a) || empty(b)) return Number(empty(a)) - Number(empty(b));
  const [left, right] = [sortKey(a), sortKey(b)];
  const sign = ascending ? 1 : -1;
  if (typeof left === "number" && typeof right === "number") return sign * (left - right);
  if (typeof left !== typeof right) return typeof left === "number" ? -1 : 1;
  return sign * String(left).localeCompare(String(right));
}

export function toCsv(cells: Cells): string {
  const cell = (text: string) => {
    const plain = /^[=+\-@\t\r]/.test(text) && !/^[+-]?\d/.test(text) ? `'${text}` : text;
    return /[",\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
  };
  return cells.map((row) => row.map(cell).join(",")).join("\r\n");
}

export function toMarkdown(cells: Cells): string {
  const line = (row: string[]) => `| ${row.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  const [head = [], ...rows] = cells;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function textOf(cell: Element): string {
  // biome-ignore lint/performance/useDomNodeTextContent: only what is shown, with its line breaks
  return (cell as HTMLElement).innerText.replace(/\s+/g, " ").trim();
}

function sortValue(row: HTMLTableRowElement, column: number): string {
  const cell = row.cells[column];
  if (!cell) return "";
  return cell.dataset.sort ?? cell.querySelector("time")?.dateTime ?? textOf(cell);
}

function cellsOf(table: HTMLTableElement): Cells {
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])];
  const kept = heads.flatMap((head, index) => ("skip" in head.dataset ? [] : [index]));
  return [...table.rows].map((row) => kept.map((index) => (row.cells[index] ? textOf(row.cells[index]) : "")));
}

/** Whether a click on a heading sorts upwards: the other way round when it is sorted, else the best or largest first. */
export function sortsUp(head: { ariaSort: string | null; better?: string; isNumeric: boolean }): boolean {
  if (head.ariaSort) return head.ariaSort === "descending";
  return head.better ? head.better === "lower" : !head.isNumeric;
}

function sortBy(table: HTMLTableElement, head: HTMLTableCellElement): void {
  const { better } = head.dataset;
  const ascending = sortsUp({ ariaSort: head.ariaSort, better, isNumeric: head.classList.contains("num") });
  for (const other of table.tHead?.rows[0]?.cells ?? []) other.removeAttribute("aria-sort");
  head.ariaSort = ascending ? "ascending" : "descending";
  const body = table.tBodies[0];
  const rows = [...(body?.rows ?? [])];
  rows.sort((a, b) => compare(sortValue(a, head.cellIndex), sortValue(b, head.cellIndex), ascending));
  body?.append(...rows);
}

function makeSortable(table: HTMLTableElement): void {
  for (const head of table.tHead?.rows[0]?.cells ?? []) {
    if ("skip" in head.dataset) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sortBy(table, head));
    head.append(button);
  }
}

function addTools(table: HTMLTableElement): void {
  const tools = document.createElement("div");
  tools.className = "tools";
  for (const [label, write] of [
    ["CSV", toCsv],
    ["Markdown", toMarkdown],
  ] as const) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.textContent = `Copy ${label}`;
    button.setAttribute("aria-label", `Copy ${label} of ${table.dataset.tools}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(write(cellsOf(table)));
      button.textContent = "Copied";
      setTimeout(() => {
        button.textContent = `Copy ${label}`;
      }, 1500);
    });
    tools.append(button);
  }
  (table.closest(".scroll") ?? table).after(tools);
}

/** Make the tables under `root` sortable and copyable; those that are already stay as they are. */
export function enhanceTables(root: ParentNode): void {
  for (const table of root.querySelectorAll<HTMLTableElement>("table[data-sortable], table[data-tools]")) {
    if ("wired" in table.dataset) continue;
    table.dataset.wired = "";
    if ("sortable" in table.dataset) makeSortable(table);
    if (table.dataset.tools && table.rows.length > 2) addTools(table);
  }
}
