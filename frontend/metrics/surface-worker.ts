/** Distances to surfaces, in a thread of its own. */

import { type SurfaceRequest, surfaceDistances } from "./surface-distance";

self.onmessage = ({ data }: MessageEvent<SurfaceRequest>) => {
  const distances = surfaceDistances(data.points, data.vertices, data.faces);
  self.postMessage({ id: data.id, distances }, { transfer: [distances.buffer] });
};
