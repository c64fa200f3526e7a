/** A description of what is shown that reproduces it: the link, the exact data behind it, and the settings in words. */

import type { CameraState } from "./url-state";
import { writeState } from "./url-state";
import type { ViewModel } from "./view-model";

/** JSON; `origin` is the page's address without its query, `camera` where the 3D camera is now. */
export function manifest(model: ViewModel, origin: string, camera: CameraState): Record<string, unknown> {
  const { comparison } = model;
  const upload = model.upload.value;
  const target = comparison.target.value;
  const state = { ...model.urlState(), camera };
  return {
    format: "palmares-viewer",
    version: 1,
    link: origin + writeState(state),
    upload: { id: upload.id, name: upload.name, fps: model.fps, frame_count: model.frameCount },
    frame: model.frame.value,
    methods: model.shownRuns.value.map((run) => ({
      run: run.id,
      letter: run.letter,
      method: run.info.value.method,
      title: run.title.value,
      hand_model: run.info.value.hand_model,
      shape_used: run.info.value.shape_used,
      prediction_sha256: run.info.value.prediction?.sha256 ?? null,
      colour: run.colour.value,
      opacity: run.opacity.value,
    })),
    truth: model.truth ? model.truthStyle.value : null,
    layout: model.layout.value,
    compared_with: target?.id ?? null,
    alignment: comparison.alignment.value,
    joints: comparison.joints.value,
    error_colours: comparison.colours.value && target ? { map: "viridis", from_mm: 0, to_mm: comparison.scaleMax.value } : null,
    camera: { ...camera, axes: "metres; x right, y up, z towards the viewer" },
  };
}
