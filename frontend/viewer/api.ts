/** The parts of the HTTP API that the viewer uses. */

import type { Metric } from "../charts/frame-metrics";

export type Status = "receiving" | "queued" | "ingesting" | "running" | "ready" | "succeeded" | "failed" | "cancelled";

export interface Work {
  id: string;
  status: Status;
  stage: string;
  progress: number;
  place: number | null;
  seconds_left: number | null;
  error: string;
}

export interface UploadInfo extends Work {
  name: string;
  fps: number | null;
  width: number | null;
  height: number | null;
  frame_count: number | null;
  media: { web_video: string | null; poster: string | null; filmstrip: string | null };
}

export interface RunInfo extends Work {
  upload: string;
  method: string;
  method_title: string;
  colour: string;
  hand_model: string;
  shape_used: string;
  created_at: string;
  prediction: { sha256: string; size_bytes: number; rows: number; summary: Record<string, number> } | null;
}

export interface PageData {
  upload: UploadInfo;
  runs: RunInfo[];
  metrics: Metric[];
  /** Where the data is, if not at the API's root. */
  api?: string;
  /** Of a shared page: the query string that was shared, and the sites that may steer it in a frame. */
  query?: string;
  sites?: string[];
}

const ROOT = "/api/v1";
const pageText = globalThis.document?.getElementById("viewer-data")?.textContent;
/** Where the files are: a shared page names an address that opens only what is shared. */
const API = (pageText && (JSON.parse(pageText) as PageData).api) || ROOT;
export const isShared = API !== ROOT;

export const trackUrl = (run: string) => `${API}/runs/${run}/track/`;
export const seriesUrl = (run: string) => `${API}/runs/${run}/series/`;
export const predictionUrl = (run: string) => `${API}/runs/${run}/prediction/`;
export const frameUrl = (run: string, frame: number, format: "glb" | "obj" | "ply") =>
  `${API}/runs/${run}/frames/${frame}.${format}`;
export const isOpen = (status: Status) => ["receiving", "queued", "ingesting", "running"].includes(status);
export const isFailed = (status: Status) => status === "failed" || status === "cancelled";

function csrfToken(): string {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

/** The response as JSON; throws an error with the server's message (problem+json). */
export async function request<T>(path: string, method: "GET" | "POST" = "GET"): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  const response = await fetch(path.startsWith("/") ? path : `${API}/${path}`, { method, headers, credentials: "same-origin" });
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Error(body?.detail ?? body?.title ?? `The server answered ${response.status}.`);
  return body as T;
}

/**
 * Calls `onChange` for changes of an upload and its runs: by server-sent events, else by polling every few seconds.
 * Returns the function that stops it.
 */
export function follow(
  upload: string,
  runs: string[],
  onChange: (kind: "upload" | "run", change: Partial<Work> & { id: string }) => void,
): () => void {
  const poll = async () => {
    for (const run of runs) onChange("run", await request<RunInfo>(`runs/${run}/`));
    onChange("upload", await request<UploadInfo>(`uploads/${upload}/`));
  };
  let polling: ReturnType<typeof setInterval> | undefined;
  const events = new EventSource(`${API}/events/?uploads=${upload}&runs=${runs.join(",")}`);
  for (const kind of ["upload", "run"] as const)
    events.addEventListener(kind, (event) => onChange(kind, JSON.parse((event as MessageEvent<string>).data)));
  events.onopen = () => {
    clearInterval(polling);
    polling = undefined;
  };
  events.onerror = () => {
    polling ??= setInterval(() => poll().catch(() => {}), 3000); // the next attempt may succeed
  };
  return () => {
    events.close();
    clearInterval(polling);
  };
}
