/** One metric per frame with one line per run, drawn by uPlot: the cursor is the timeline's; click = seek, drag = zoom. */

import uPlot from "uplot";

export interface Line {
  letter: string;
  title: string;
  colour: string;
  dash: number[];
  values: Array<number | null>;
}

export interface PlotColours {
  ink: string;
  faint: string;
}

/** Range of the value axis from 0, never so small that its ticks would show the same number. */
export function valueRange(largest: number, decimals: number): [number, number] {
  return [0, Math.max(1.08 * largest, 4 * 10 ** -decimals)];
}

/** 1, 2 or 5 times a power of ten, no finer than values are shown. */
export function tickIncrements(decimals: number): number[] {
  return Array.from({ length: decimals + 7 }, (_, k) => k - decimals).flatMap((power) =>
    [1, 2, 5].map((step) => Number((step * 10 ** power).toPrecision(3))),
  );
}

/** As many decimals as the distance between ticks has. */
export function tickLabel(value: number, increment: number): string {
  return value.toFixed(Math.max(0, -Math.floor(Math.log10(increment) + 1e-9)));
}

export interface Drawing {
  lines: Line[];
  count: number; // frames
  decimals: number; // of the values
  zoom: [number, number] | null;
  colours: PlotColours;
  hasFrameAxis: boolean;
}

export interface PlotEvents {
  seek(frame: number): void;
  zoom(range: [number, number] | null): void;
}

const FONT = "12px Inter, system-ui, sans-serif";

export class TimePlot {
  private chart: uPlot | null = null;
  private frame = 0;
  private readonly cursor = document.createElement("div");
  private readonly observer: ResizeObserver;

  constructor(
    private readonly host: HTMLElement,
    private readonly events: PlotEvents,
    private readonly height: number,
  ) {
    this.cursor.className = "plot-cursor";
    this.observer = new ResizeObserver(() => {
      this.chart?.setSize({ width: host.clientWidth, height });
      this.moveTo(this.frame);
    });
    this.observer.observe(host);
  }

  /** Draw the lines over frames 0 … count − 1. */
  draw({ lines, count, decimals, zoom, colours, hasFrameAxis }: Drawing): void {
    this.chart?.destroy();
    const frames = Array.from({ length: count }, (_, frame) => frame);
    const axis = { stroke: colours.ink, font: FONT, ticks: { show: false } };
    const grid = { stroke: colours.faint, width: 1 };
    // Frames have the same width as in the timeline above.
    const [first, last] = zoom ?? [0, Math.max(1, count - 1)];
    this.chart = new uPlot(
      {
        width: this.host.clientWidth,
        height: this.height,
        legend: { show: false },
        padding: [6, 0, hasFrameAxis ? 0 : 6, 0],
        cursor: { y: false, points: { size: 5 }, drag: { x: true, y: false, setScale: false, dist: 6 } },
        scales: {
          x: { time: false, range: () => [first - 0.5, last + 0.5] },
          y: { range: (_, __, max) => valueRange(max, decimals) },
        },
        axes: [
          {
            ...axis,
            grid: { show: false },
            show: hasFrameAxis,
            size: 24,
            incrs: [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 2000, 5000, 10000],
          },
          {
            ...axis,
            grid,
            size: 44,
            space: 28,
            incrs: tickIncrements(decimals),
            values: (_, ticks, __, ___, increment) => ticks.map((tick) => tickLabel(tick, increment)),
          },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.letter,
            stroke: line.colour,
            width: 1.5,
            dash: line.dash,
            points: { show: false },
            spanGaps: false,
          })),
        ],
        hooks: { setSelect: [(chart) => this.selected(chart)], ready: [(chart) => this.ready(chart)] },
      },
      [frames, ...lines.map((line) => line.values)] as uPlot.AlignedData,
      this.host,
    );
  }

  /** Move the cursor to a frame. */
  moveTo(frame: number): void {
    this.frame = frame;
    if (!this.chart) return;
    const x = this.chart.valToPos(frame, "x");
    const inside = x >= 0 && x <= this.chart.over.clientWidth;
    this.cursor.style.display = inside ? "" : "none";
    this.cursor.style.transform = `translateX(${x}px)`;
  }

  destroy(): void {
    this.observer.disconnect();
    this.chart?.destroy();
  }

  private ready(chart: uPlot): void {
    chart.over.append(this.cursor);
    chart.over.addEventListener("click", (event) => {
      if (chart.select.width > 0) return; // the end of a drag
      this.events.seek(chart.posToVal(event.offsetX, "x"));
    });
    chart.over.addEventListener("dblclick", () => this.events.zoom(null));
    this.chart = chart;
    this.moveTo(this.frame);
  }

  private selected(chart: uPlot): void {
    const { left, width } = chart.select;
    if (width < 6) return;
    const range = [left, left + width].map((x) => Math.round(chart.posToVal(x, "x"))) as [number, number];
    chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (range[1] > range[0]) this.events.zoom(range);
  }
}
