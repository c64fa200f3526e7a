/** Where the viewer's data is: every address it asks for is made here, so that a read-only page can supply others. */

export interface Addresses {
  upload(upload: string): string;
  runs(): string;
  run(run: string): string;
  retry(run: string): string;
  track(run: string): string;
  series(run: string): string;
  prediction(run: string): string;
  frame(run: string, frame: number, format: "glb" | "obj" | "ply"): string;
  boxes(upload: string): string;
  box(upload: string, box: string): string;
  comments(upload: string): string;
  comment(upload: string, comment: string): string;
  events(upload: string, runs: string[]): string;
}

/** Addresses below `base`, which is the API's root or a path that answers the same below it. */
export function addresses(base = "/api/v1"): Addresses {
  return {
    upload: (upload) => `${base}/uploads/${upload}/`,
    runs: () => `${base}/runs/`,
    run: (run) => `${base}/runs/${run}/`,
    retry: (run) => `${base}/runs/${run}/retry/`,
    track: (run) => `${base}/runs/${run}/track/`,
    series: (run) => `${base}/runs/${run}/series/`,
    prediction: (run) => `${base}/runs/${run}/prediction/`,
    frame: (run, frame, format) => `${base}/runs/${run}/frames/${frame}.${format}`,
    boxes: (upload) => `${base}/uploads/${upload}/boxes/`,
    box: (upload, box) => `${base}/uploads/${upload}/boxes/${box}/`,
    comments: (upload) => `${base}/uploads/${upload}/comments/`,
    comment: (upload, comment) => `${base}/uploads/${upload}/comments/${comment}/`,
    events: (upload, runs) => `${base}/events/?uploads=${upload}&runs=${runs.join(",")}`,
  };
}
