/** Saves plots as SVG files with their legends, in colours for a white page. */

const SVG = "http://www.w3.org/2000/svg";
const ROW = 16;
const STYLE = "text { font: 11px Inter, Helvetica, Arial, sans-serif; fill: #333 } .axis { stroke: #ddd }";

function element(name: string, attributes: Record<string, string | number>, text = ""): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
}

/** The SVG file of a plot and its legend, which needs no style sheet. */
export function standaloneSvg(drawn: SVGSVGElement, legend: Array<{ name: string; colour: string }>): string {
  const svg = drawn.cloneNode(true) as SVGSVGElement;
  const [, , width = 0, height = 0] = (svg.getAttribute("viewBox") ?? "").split(" ").map(Number);
  const whole = height + ROW * legend.length;
  svg.setAttribute("xmlns", SVG);
  svg.setAttribute("viewBox", `0 0 ${width} ${whole}`);
  svg.setAttribute("width", String(width));
  svg.setAttribute("height", String(whole));
  svg.prepend(element("title", {}, svg.getAttribute("aria-label") ?? ""), element("style", {}, STYLE));
  legend.forEach(({ name, colour }, row) => {
    const y = height + ROW * (row + 0.5);
    svg.append(element("rect", { x: 48, y: y - 1.5, width: 14, height: 3, fill: colour }));
    svg.append(element("text", { x: 68, y: y + 4 }, name));
  });
  return new XMLSerializer().serializeToString(svg);
}

function save(figure: HTMLElement, svg: SVGSVGElement): void {
  const legend = [...figure.querySelectorAll<HTMLElement>(".legend li")].map((item) => ({
    name: item.textContent ?? "",
    colour: item.querySelector("i")?.style.background ?? "",
  }));
  const title = figure.querySelector("figcaption")?.textContent ?? "figure";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([standaloneSvg(svg, legend)], { type: "image/svg+xml" }));
  const words = title.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  link.download = `${words.join("-")}.svg`;
  link.click();
  URL.revokeObjectURL(link.href);
}

export function addSvgExport(root: ParentNode): void {
  for (const figure of root.querySelectorAll<HTMLElement>(".figures figure:has(.legend)")) {
    const svg = figure.querySelector<SVGSVGElement>("svg");
    if (!svg || "wired" in figure.dataset) continue;
    figure.dataset.wired = "";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.textContent = "Save SVG";
    button.setAttribute("aria-label", `Save SVG: ${figure.querySelector("figcaption")?.textContent ?? ""}`);
    button.addEventListener("click", () => save(figure, svg));
    const tools = document.createElement("div");
    tools.className = "tools";
    tools.append(button);
    figure.append(tools);
  }
}
