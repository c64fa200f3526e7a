/** Computes errors in a thread of its own, so that the page stays responsive. */

import { type ErrorRequest, ErrorService, type PutRequest } from "./error-request";

const service = new ErrorService();

self.onmessage = ({ data }: MessageEvent<PutRequest | ErrorRequest>) => {
  if (data.kind === "put") service.put(data);
  else self.postMessage(service.answer(data));
};
