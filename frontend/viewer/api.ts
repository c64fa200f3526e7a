/** The parts of the HTTP API that the viewer uses. */

import type { Metric } from "../charts/frame-metrics";
import type { Addresses } from "./addresses";

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
  /** Ground truth; its links are null until it can be shown. */
  truth?: (Omit<Work, "id" | "place" | "seconds_left"> & { links: { track: string | null } }) | null;
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
  /** The run whose hands it refines. */
  start: string | null;
  is_external: boolean;
  hand_shape: string | null;
  options: Record<string, unknown>;
  /** Of the upload when it was started: it looked inside. */
  boxes: Array<{ id: string }>;
  /** In which of these boxes no hand was found; of external methods, what the check of their file noticed. */
  findings: Array<{ message: string }>;
  prediction: { sha256: string; size_bytes: number; rows: number; summary: Record<string, number> } | null;
}

export interface PageData {
  upload: UploadInfo;
  runs: RunInfo[];
  /** Metrics that need no ground truth, of each run's series. */
  metrics: Metric[];
  /** Metrics that this page computes from joints, and the agreement of two methods. */
  truth_metrics: Metric[];
  /** Methods, by name, that are shown at first where they ran. */
  first_methods: string[];
  /** The method that refines the hands of other runs; null where the person may not start it, or it cannot run on the upload. */
  refining?: { name: string; title: string } | null;
  /** Whether the person may draw boxes and start runs; a shared page has none. */
  boxes?: { can_write: boolean };
  /** What the person may do with comments; a shared page has none. */
  comments?: { can_write: boolean; email: string; is_owner: boolean };
  /** Where the data is, if not at the API's root: a shared page names an address that opens only what is shared. */
  api?: string;
  /** Of a shared page: the query string that was shared, and the sites that may steer it in a frame. */
  query?: string;
  sites?: string[];
}

export const isOpen = (status: Status) => ["receiving", "queued", "ingesting", "running"].includes(status);
export const isFailed = (status: Status) => status === "failed" || status === "cancelled";

function csrfToken(): string {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

/** The response as JSON, null where it has no body; throws an error with the server's message (problem+json). */
export async function request<T>(
  url: string,
  method: "GET" | "POST" | "PATCH" | "DELETE" = "GET",
  content?: unknown,
): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (content !== undefined) headers["Content-Type"] = "application/json";
  const sent = content === undefined ? undefined : JSON.stringify(content);
  const response = await fetch(url, { method, headers, credentials: "same-origin", body: sent });
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Error(body?.detail ?? body?.title ?? `The server answered ${response.status}.`);
  return body as T;
}

/**
 * Calls `onChange` for changes of an upload and its runs: by server-sent events, else by polling every few seconds.
 * Returns the function that stops it.
 */
export function follow(
  at: Addresses,
  upload: string,
  runs: string[],
  onChange: (kind: "upload" | "run", change: Partial<Work> & { id: string }) => void,
): () => void {
  const poll = async () => {
    for (const run of runs) onChange("run", await request<RunInfo>(at.run(run)));
    onChange("upload", await request<UploadInfo>(at.upload(upload)));
  };
  let polling: ReturnType<typeof setInterval> | undefined;
  const events = new EventSource(at.events(upload, runs));
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
