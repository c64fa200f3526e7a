/** The submission form: sends a file with progress, and shows what the server's check found. */
import { duration } from "../live/status-text";
import { formatBytes, TransferSpeed } from "../upload/transfer-speed";

interface Problem {
  detail?: string;
  findings?: Array<{ level: string; message: string; place: string }>;
}

function showMessage(result: HTMLElement, text: string, isError = false): void {
  result.replaceChildren(
    Object.assign(document.createElement("p"), { textContent: text, className: isError ? "notice error" : "hint" }),
  );
}

function showProblem(result: HTMLElement, body: string): void {
  let problem: Problem = {};
  try {
    problem = JSON.parse(body) as Problem;
  } catch {
    // not a problem document: the server was not reached, or a proxy answered
  }
  showMessage(result, problem.detail ?? "The server could not be reached. Submit again: the form has kept your input.", true);
  for (const finding of problem.findings ?? []) {
    if (finding.level === "error") continue;
    result.append(
      Object.assign(document.createElement("p"), {
        textContent: `${finding.level}: ${finding.message} (${finding.place})`,
        className: "hint",
      }),
    );
  }
}

function setUp(form: HTMLFormElement): void {
  const result = form.querySelector<HTMLElement>("[data-result]") as HTMLElement;
  const link = form.querySelector<HTMLInputElement>("input[name=links]");
  const file = form.querySelector<HTMLInputElement>("input[type=file]") as HTMLInputElement;
  const button = form.querySelector("button") as HTMLButtonElement;
  if (link) link.disabled = false;
  button.disabled = false;
  let key = crypto.randomUUID();
  form.addEventListener("input", () => {
    key = crypto.randomUUID();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const data = new FormData(form);
    if (!data.get("links")) data.delete("links");
    const bar = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
    bar.setAttribute("aria-label", "Upload progress");
    showMessage(result, "Uploading …");
    result.append(bar);
    button.disabled = true;
    const speed = new TransferSpeed();
    const request = new XMLHttpRequest();
    request.open("POST", form.dataset.submit as string);
    request.setRequestHeader("Idempotency-Key", key);
    request.setRequestHeader("X-CSRFToken", String(data.get("csrfmiddlewaretoken")));
    data.delete("csrfmiddlewaretoken");
    request.upload.onprogress = ({ loaded, total }) => {
      bar.value = total ? loaded / total : 0;
      speed.record(loaded, performance.now());
      const rate = speed.bytesPerSecond;
      const left = rate ? ` · ${duration((total - loaded) / rate)} left` : "";
      const text = loaded < total ? `${formatBytes(loaded)} of ${formatBytes(total)}${left}` : "Checking …";
      (result.firstElementChild as HTMLElement).textContent = text;
    };
    request.onloadend = () => {
      button.disabled = false;
      if (request.status === 201 || request.status === 200) {
        location.assign(`/submissions/${(JSON.parse(request.responseText) as { id: string }).id}/`);
      } else showProblem(result, request.responseText);
    };
    request.send(data);
  });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer?.files.length) return;
    file.files = event.dataTransfer.files;
    form.scrollIntoView({ block: "center" });
    form.querySelector<HTMLInputElement>("input[name=method]")?.focus();
  });
}

for (const form of document.querySelectorAll<HTMLFormElement>("form[data-submit]")) setUp(form);
