/** Runs that start with an upload, while the box of the drop zone is ticked. */

const KEY = "run-first-methods";

/** Whether runs are to be started; the choice is remembered in this browser. */
export function followChoice(box: HTMLInputElement | null): () => boolean {
  if (!box) return () => false;
  box.checked = localStorage.getItem(KEY) !== "no";
  box.addEventListener("change", () => localStorage.setItem(KEY, box.checked ? "yes" : "no"));
  return () => box.checked;
}

/** The id of an upload, from its address of tus: `…/uploads/tus/ID/`. */
export const uploadId = (address: string): string => address.split("/").filter(Boolean).at(-1) ?? "";

/** Queue the first methods on an upload; what went wrong in a sentence, else empty. */
export async function startFirstRuns(upload: string, csrfToken: string): Promise<string> {
  const problem = "The upload is complete, but no run was started";
  try {
    const answer = await fetch("/api/v1/runs/batch/", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken },
      body: JSON.stringify({ uploads: [upload] }),
      keepalive: true, // the page may be left as soon as the file is there
    });
    if (answer.ok) return "";
    const { detail } = (await answer.json()) as { detail?: string };
    return `${problem}: ${detail ?? answer.statusText}`;
  } catch {
    return `${problem}: the server could not be reached. Start it on the upload’s page.`;
  }
}
