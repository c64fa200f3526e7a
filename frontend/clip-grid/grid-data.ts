/** What the page of a grid is given: `palmares/runs/grid_pages.py`. */

export interface Column {
  title: string;
  colour: string;
}

export interface GridClip {
  name: string;
  address: string;
  fps: number;
  frame_count: number;
  width: number;
  height: number;
  video: string | null;
  poster: string | null;
  /** By column; null where there is no finished run of the method. */
  cells: Array<{ track: string; address: string } | null>;
}

export interface GridData {
  columns: Column[];
  clips: GridClip[];
}
