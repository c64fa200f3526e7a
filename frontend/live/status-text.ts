/** The state of queued work as text. */

export interface RowState {
  id: string;
  status: string;
  stage: string;
  progress: number;
  place: number | null;
  seconds_left: number | null;
  error: string;
}

const FINAL = new Set(["succeeded", "ready", "failed", "cancelled"]);

export function isFinal(status: string): boolean {
  return FINAL.has(status);
}

/** `4 s left`, `3 min left`, `2nd in the queue`; empty where nothing is known. */
export function remaining(state: Pick<RowState, "status" | "place" | "seconds_left">): string {
  if (state.place !== null && state.place !== undefined)
    return state.place === 1 ? "next in the queue" : `${ordinal(state.place)} in the queue`;
  if (state.seconds_left === null || state.seconds_left === undefined || isFinal(state.status)) return "";
  return `${duration(state.seconds_left)} left`;
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export function ordinal(n: number): string {
  const tens = n % 100;
  if (tens >= 11 && tens <= 13) return `${n}th`;
  return `${n}${{ 1: "st", 2: "nd", 3: "rd" }[n % 10] ?? "th"}`;
}
