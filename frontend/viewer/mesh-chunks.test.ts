import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ChunkCache, MeshSource, wantedChunks } from "./mesh-chunks";
import type { TrackChunk, TrackHand, TrackHeader } from "./viewer-track";

const folder = new URL("./fixtures/track/", import.meta.url);
const header: TrackHeader = JSON.parse(readFileSync(new URL("track.json", folder)).toString());

/** A server of the fixture; `refuse` says which files it lacks. */
function serve(refuse: (file: string) => boolean = () => false) {
  const requested: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    const file = url.slice("/run/".length);
    requested.push(file);
    if (refuse(file)) return new Response("", { status: 404 });
    return new Response(readFileSync(new URL(file ? `track/${file}` : "track.json", folder)));
  });
  return requested;
}

const hand = (index: number) => header.hands[index] as TrackHand;
const chunk = (index: number) => hand(0).chunks[index] as TrackChunk;

afterEach(() => vi.unstubAllGlobals());

describe("wantedChunks", () => {
  it("starts at the current frame, goes on to the end, then from the start", () => {
    const order = wantedChunks(header, 65, 1e9).map(({ hand, chunk }) => `${header.hands.indexOf(hand)}/${chunk.first}`);
    expect(order).toEqual(["0/60", "1/60", "0/120", "0/0", "1/0"]);
  });

  it("always has the chunks of the current frame, and otherwise keeps to the limit", () => {
    expect(wantedChunks(header, 65, 0).length).toBe(2);
  });
});

describe("MeshSource", () => {
  it("returns positions once they are loaded, null in a gap", async () => {
    serve();
    const source = await MeshSource.open("/run/", new ChunkCache(), 0);
    await vi.waitFor(() => expect(source.buffered()).toEqual([[0, header.frame_count - 1]]));
    expect(source.meshRow(0, 0)?.length).toBe(hand(0).vertex_count * 3);
    expect(source.meshRow(1, 65)).toBeNull();
    expect(source.meshRow(1, 70)?.length).toBe(hand(1).vertex_count * 3);
  });

  it("loads the chunk at the current frame first", async () => {
    const requested = serve();
    await MeshSource.open("/run/", new ChunkCache(), 125);
    const chunks = requested.filter((file) => header.hands.some((hand) => hand.chunks.some((chunk) => chunk.file === file)));
    expect(chunks[0]).toBe(chunk(2).file);
  });

  it("reports a chunk that cannot be loaded, after retrying", async () => {
    const bad = chunk(0).file;
    const requested = serve((file) => file === bad);
    const source = await MeshSource.open("/run/", new ChunkCache(), 0);
    const error = await new Promise<Error>((resolve) => {
      source.onChange = (problem) => problem && resolve(problem);
    });
    expect(error.message).toContain("answered 404");
    expect(requested.filter((file) => file === bad).length).toBe(3);
    expect(source.meshRow(0, 0)).toBeUndefined();
  });
});

describe("ChunkCache", () => {
  it("drops the least recently used", () => {
    const cache = new ChunkCache(250);
    cache.put("a", new Int16Array(50));
    cache.put("b", new Int16Array(50));
    cache.get("a");
    cache.put("c", new Int16Array(50));
    expect([cache.has("a"), cache.has("b"), cache.has("c")]).toEqual([true, false, true]);
  });
});
