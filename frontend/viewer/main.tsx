/** @jsxImportSource preact */
/** The viewer page: reads the page's data, starts the viewer, keeps the URL and the runs up to date. */

import { computed, effect, untracked } from "@preact/signals";
import { render } from "preact";
import type { Series } from "../charts/frame-metrics";
import { follow, isOpen, type PageData, type RunInfo, request } from "./api";
import { App } from "./app";
import type { RunModel } from "./layers";
import { parseState, throttled, type ViewState, writeState } from "./url-state";
import { forEachLayer, ViewModel } from "./view-model";
import "uplot/dist/uPlot.min.css";
import "./boxes.css";
import "./comments.css";
import "./compare.css";
import "./joints.css";
import "./timeline.css";
import "./viewer.css";
import "./panels.css";
import "./notices.css";

function followUrl(model: ViewModel): void {
  const write = throttled((state: ViewState) => {
    history.replaceState(history.state, "", location.pathname + writeState(state, location.search) + location.hash);
  }, 250);
  effect(() => write(model.urlState()));
}

function loadSeries(model: ViewModel, run: RunModel): void {
  let requested = false;
  effect(() => {
    if (requested || run.info.value.status !== "succeeded" || !run.shown.value) return;
    requested = true;
    request<Series>(model.addresses.series(run.id)).then(
      (series) => {
        run.series.value = series;
      },
      (error: Error) => {
        run.problem.value = `The metrics per frame could not be loaded: ${error.message}`;
      },
    );
  });
}

/** While work is unfinished, follow it; reload when the video itself is ready. */
function followWork(model: ViewModel): void {
  const waiting = isOpen(model.upload.value.status);
  const isAnyOpen = computed(() =>
    [model.upload, ...model.runs.map((run) => run.info)].some(({ value }) => isOpen(value.status)),
  );
  const onChange: Parameters<typeof follow>[3] = (kind, change) => {
    if (kind === "upload") model.upload.value = { ...model.upload.value, ...change };
    const run = model.runs.find((other) => other.id === change.id);
    if (run) run.info.value = { ...run.info.value, ...change };
    // The event does not contain the prediction.
    if (run && change.status === "succeeded" && !run.info.value.prediction)
      request<RunInfo>(model.addresses.run(run.id)).then((info) => {
        run.info.value = { ...run.info.value, ...info };
      });
    if (waiting && model.upload.value.status === "ready") location.reload();
  };
  const end = effect(() => {
    const runs = model.runs.map((run) => run.id); // a run that is started here is followed too
    if (isAnyOpen.value) return untracked(() => follow(model.addresses, model.upload.value.id, runs, onChange));
  });
  addEventListener("pagehide", end);
}

const host = document.getElementById("viewer");
const data = document.getElementById("viewer-data")?.textContent;
if (host && data) {
  const page = JSON.parse(data) as PageData;
  const model = new ViewModel(page, parseState(location.search || (page.query ?? "")));
  host.replaceChildren();
  render(<App model={model} />, host);
  followUrl(model);
  followWork(model);
  forEachLayer(model, (layer) => {
    if ("info" in layer) loadSeries(model, layer as RunModel);
  });
}
