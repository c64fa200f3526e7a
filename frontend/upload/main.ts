/** Uploads by tus: drop files anywhere on the page; they resume after a lost connection and after a reload. */
import { Upload } from "tus-js-client";
import { refreshFragments } from "../live/fragments";
import { duration } from "../live/status-text";
import { followChoice, startFirstRuns, uploadId } from "./first-runs";
import { type FoundFile, filesOfDrop, filesOfInput, sortFiles } from "./folders";
import { packImages } from "./image-set";
import { formatBytes, TransferSpeed } from "./transfer-speed";
import { UploadQueue } from "./upload-queue";

const CHUNK_BYTES = 8 << 20;
const queue = new UploadQueue(3);

function cookie(name: string): string {
  return (
    document.cookie
      .split("; ")
      .find((c) => c.startsWith(`${name}=`))
      ?.slice(name.length + 1) ?? ""
  );
}

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function errorMessage(body: string): string {
  try {
    return (JSON.parse(body) as { detail?: string }).detail ?? "The server refused the file.";
  } catch {
    return "The connection was lost. Press Resume to continue from here.";
  }
}

function start(section: HTMLElement, file: File, thenRun: boolean): void {
  const row = element("div", "upload-row");
  const name = element("strong", "", file.name);
  const facts = element("span", "hint", `${formatBytes(file.size)} · waiting`);
  facts.setAttribute("role", "status");
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `Upload of ${file.name}`);
  const pause = element("button", "quiet", "Pause");
  const cancel = element("button", "quiet", "Cancel");
  pause.type = cancel.type = "button";
  row.append(name, facts, bar, pause, cancel);
  row.dataset.busy = "yes";
  section.querySelector("[data-rows]")?.append(row);

  const speed = new TransferSpeed();
  const subject = section.dataset.subject || section.querySelector<HTMLSelectElement>("select[name=subject]")?.value || "";
  const team = subject ? "" : section.dataset.team || "";
  const ended = (text: string, isError: boolean) => {
    facts.textContent = text;
    facts.className = isError ? "errorlist" : "hint";
    delete row.dataset.busy;
    endTurn();
  };
  const transfer = new Upload(file, {
    endpoint: "/api/v1/uploads/tus/",
    chunkSize: CHUNK_BYTES,
    retryDelays: [0, 1000, 3000, 8000, 20000],
    metadata: { filename: file.name, ...(subject && { subject }), ...(team && { team }) },
    headers: { "X-CSRFToken": cookie("csrftoken") },
    removeFingerprintOnSuccess: true,
    onProgress(sent, total) {
      bar.value = total ? sent / total : 0;
      speed.record(sent, performance.now());
      const rate = speed.bytesPerSecond;
      facts.textContent = rate
        ? `${formatBytes(sent)} of ${formatBytes(total)} · ${formatBytes(rate)}/s · ${duration((total - sent) / rate)} left`
        : `${formatBytes(sent)} of ${formatBytes(total)}`;
    },
    onSuccess() {
      // from now on the list of the page shows it
      row.remove();
      endTurn();
      refreshFragments();
      if (thenRun) void runFirst(section, transfer.url ?? "");
    },
    onError(error) {
      const response = "originalResponse" in error ? error.originalResponse : null;
      ended(errorMessage(response?.getBody() ?? ""), true);
      pause.textContent = "Resume";
      pause.hidden = Boolean(response && response.getStatus() < 500);
    },
  });
  pause.addEventListener("click", () => {
    const isPausing = pause.textContent === "Pause";
    pause.textContent = isPausing ? "Resume" : "Pause";
    if (isPausing) {
      void transfer.abort();
      endTurn();
    } else transfer.start();
  });
  cancel.addEventListener("click", () => {
    void transfer.abort(true);
    row.remove();
    endTurn();
  });
  const begin = async () => {
    const previous = await transfer.findPreviousUploads();
    const found = previous[0];
    if (found) transfer.resumeFromPreviousUpload(found);
    if (row.isConnected && pause.textContent === "Pause") transfer.start();
  };
  const endTurn = queue.add(() => void begin());
}

async function runFirst(section: HTMLElement, address: string): Promise<void> {
  const problem = await startFirstRuns(uploadId(address), cookie("csrftoken"));
  if (problem) showMessage(section, "notStarted", problem);
  refreshFragments();
}

/** Says something below the drop zone, in place of what was said about it before. */
function showMessage(section: HTMLElement, about: string, text: string): void {
  const message = element("p", "hint", text);
  message.dataset.about = about;
  message.setAttribute("role", "status");
  section.querySelector(`[data-about="${about}"]`)?.remove();
  section.append(message);
}

const NAMED = 3; // files of a message

/** Says which files of a folder are not uploaded. */
function showLeftOut(section: HTMLElement, paths: string[]): void {
  if (!paths.length) {
    section.querySelector('[data-about="leftOut"]')?.remove();
    return;
  }
  const more = paths.length > NAMED ? ` and ${paths.length - NAMED} more` : "";
  const names = paths.slice(0, NAMED).join(", ");
  showMessage(section, "leftOut", `Left out, not a supported image or video: ${names}${more}.`);
}

for (const section of document.querySelectorAll<HTMLElement>("[data-drop]")) {
  section.classList.add("alive");
  const input = section.querySelector<HTMLInputElement>("input[type=file]:not([webkitdirectory])");
  const isRunWanted = followChoice(section.querySelector("[data-then] input"));
  const folderInput = section.querySelector<HTMLInputElement>("input[webkitdirectory]");
  const addFiles = async (found: FoundFile[]) => {
    const { imageFolders, singles, leftOut } = sortFiles(found);
    for (const file of singles) start(section, file, isRunWanted());
    for (const [folder, images] of imageFolders) start(section, await packImages(images, folder), isRunWanted());
    showLeftOut(section, leftOut);
  };
  section.querySelector("form")?.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!input?.files?.length) input?.click();
  });
  const onChosen = () => {
    if (input?.files?.length)
      void addFiles(filesOfInput(input.files)).then(() => {
        input.value = "";
      });
  };
  input?.addEventListener("change", onChosen);
  section.querySelector("[data-folder]")?.addEventListener("click", () => folderInput?.click());
  folderInput?.addEventListener("change", () => {
    void addFiles(filesOfInput(folderInput.files)).then(() => {
      folderInput.value = "";
    });
  });
  onChosen(); // files may have been chosen before this script ran
  addEventListener("dragover", (event) => {
    event.preventDefault();
    section.classList.add("over");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) section.classList.remove("over");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    section.classList.remove("over");
    void filesOfDrop(event.dataTransfer).then(addFiles);
  });
}
addEventListener("beforeunload", (event) => {
  if (document.querySelector("[data-busy]")) event.preventDefault();
});
