/** Times as people say them: "just now", "3 min ago", "14:05", "2 Nov"; date and time in full on hover. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The text for `moment` at the time `now`, both in ms since 1970; in the reader's time zone unless one is given. */
export function relativeTime(moment: number, now: number, timeZone?: string): string {
  const ago = now - moment;
  if (ago >= 0 && ago < MINUTE) return "just now";
  if (ago >= 0 && ago < HOUR) return `${Math.floor(ago / MINUTE)} min ago`;
  const zone = timeZone ? { timeZone } : {};
  const day = (t: number) => new Intl.DateTimeFormat("en-GB", { ...zone, dateStyle: "short" }).format(t);
  if (day(moment) === day(now))
    return new Intl.DateTimeFormat("en-GB", { ...zone, hour: "2-digit", minute: "2-digit" }).format(moment);
  const year = (t: number) => new Intl.DateTimeFormat("en-GB", { ...zone, year: "numeric" }).format(t);
  const parts: Intl.DateTimeFormatOptions = { ...zone, day: "numeric", month: "short" };
  if (year(moment) !== year(now)) parts.year = "numeric";
  return new Intl.DateTimeFormat("en-GB", parts).format(moment);
}

/** Rewrite every `time[data-when]` under `root`. */
export function showRelativeTimes(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLTimeElement>("time[data-when]")) {
    const moment = Date.parse(element.dateTime);
    element.textContent = relativeTime(moment, Date.now());
    element.title = new Date(moment).toLocaleString(undefined, { dateStyle: "full", timeStyle: "medium" });
  }
}
