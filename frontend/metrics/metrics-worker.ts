/** Computes errors in a thread of its own, so that the page stays responsive. */

import { answer, type ErrorRequest } from "./error-request";

self.onmessage = (event: MessageEvent<ErrorRequest>) => self.postMessage(answer(event.data));
