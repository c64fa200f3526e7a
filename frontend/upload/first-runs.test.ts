import { expect, it } from "vitest";
import { uploadId } from "./first-runs";

it("finds the id of an upload in its address", () => {
  const id = "0191f0a2-0000-7000-8000-000000000001";
  expect(uploadId(`https://example.org/api/v1/uploads/tus/${id}/`)).toBe(id);
  expect(uploadId("")).toBe("");
});
