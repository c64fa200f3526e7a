/** A submission from the browser: dropped or chosen, with its progress; what the check finds is said here, nothing is lost. */
import { duration } from "../live/words";
import { Speed, size } from "../upload/speed";

interface Problem {
  detail?: string;
  findings?: Array<{ level: string; message: string; place: string }>;
}

function say(result: HTMLElement, text: string, isError = false): void {
  result.replaceChildren(
    Object.assign(document.createElement("p"), { textContent: text, className: isError ? "notice error" : "hint" }),
  );
}

function refuse(result: HTMLElement, body: string): void {
  let problem: Problem = {};
  try {
    problem = JSON.parse(body) as Problem;
  } catch {
    // no problem document: the server was not reached, or something stands before it
  }
  say(result, problem.detail ?? "The server could not be reached. Nothing is lost: submit again.", true);
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

function wire(form: HTMLFormElement): void {
  const result = form.querySelector<HTMLElement>("[data-result]") as HTMLElement;
  const link = form.querySelector<HTMLInputElement>("input[name=links]");
  const file = form.querySelector<HTMLInputElement>("input[type=file]") as HTMLInputElement;
  const button = form.querySelector("button") as HTMLButtonElement;
  if (link) link.disabled = false;
  let key = crypto.randomUUID();
  form.addEventListener("input", () => {
    key = crypto.randomUUID();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const data = new FormData(form);
    if (!data.get("links")) data.delete("links");
    const bar = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
    bar.setAttribute("aria-label", "Progress of the transfer");
    say(result, "Sending …");
    result.append(bar);
    button.disabled = true;
    const speed = new Speed();
    const request = new XMLHttpRequest();
    request.open("POST", form.dataset.submit as string);
    request.setRequestHeader("Idempotency-Key", key);
    request.setRequestHeader("X-CSRFToken", String(data.get("csrfmiddlewaretoken")));
    data.delete("csrfmiddlewaretoken");
    request.upload.onprogress = ({ loaded, total }) => {
      bar.value = total ? loaded / total : 0;
      speed.at(loaded, performance.now());
      const rate = speed.bytesPerSecond;
      const left = rate ? ` · ${duration((total - loaded) / rate)} left` : "";
      const text = loaded < total ? `${size(loaded)} of ${size(total)}${left}` : "Checking …";
      (result.firstElementChild as HTMLElement).textContent = text;
    };
    request.onloadend = () => {
      button.disabled = false;
      if (request.status === 201 || request.status === 200) {
        location.assign(`/submissions/${(JSON.parse(request.responseText) as { id: string }).id}/`);
      } else refuse(result, request.responseText);
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

for (const form of document.querySelectorAll<HTMLFormElement>("form[data-submit]")) wire(form);
