import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ChunkCache, MeshSource, wantedChunks } from "./chunks";
import type { TrackChunk, TrackHand, TrackHeader } from "./track";

const folder = new URL("./fixtures/track/", import.meta.url);
const header: TrackHeader = JSON.parse(readFileSync(new URL("track.json", folder)).toString());

/** A server that has the fixture; `refuse` says which files it lacks. */
function serve(refuse: (file: string) => boolean = () => false) {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    const file = url.slice("/run/".length);
    asked.push(file);
    if (refuse(file)) return new Response("", { status: 404 });
    return new Response(readFileSync(new URL(file ? `track/${file}` : "track.json", folder)));
  });
  return asked;
}

const hand = (index: number) => header.hands[index] as TrackHand;
const chunk = (index: number) => hand(0).chunks[index] as TrackChunk;

afterEach(() => vi.unstubAllGlobals());

describe("wantedChunks", () => {
  it("begins at the cursor, goes on to the end, then from the start", () => {
    const order = wantedChunks(header, 65, 1e9).map(({ hand, chunk }) => `${header.hands.indexOf(hand)}/${chunk.first}`);
    expect(order).toEqual(["0/60", "1/60", "0/120", "0/0", "1/0"]);
  });

  it("has what the cursor needs, however small the limit, and else stays within it", () => {
    expect(wantedChunks(header, 65, 0).length).toBe(2);
  });
});

describe("MeshSource", () => {
  it("gives positions once they are here, null in a gap", async () => {
    serve();
    const source = await MeshSource.open("/run/", new ChunkCache(), 0);
    await vi.waitFor(() => expect(source.buffered()).toEqual([[0, header.frame_count - 1]]));
    expect(source.positions(0, 0)?.length).toBe(hand(0).vertex_count * 3);
    expect(source.positions(1, 65)).toBeNull();
    expect(source.positions(1, 70)?.length).toBe(hand(1).vertex_count * 3);
  });

  it("loads the chunk at the cursor before the others", async () => {
    const asked = serve();
    await MeshSource.open("/run/", new ChunkCache(), 125);
    const chunks = asked.filter((file) => header.hands.some((hand) => hand.chunks.some((chunk) => chunk.file === file)));
    expect(chunks[0]).toBe(chunk(2).file);
  });

  it("says so when a chunk does not come, after trying again", async () => {
    const bad = chunk(0).file;
    const asked = serve((file) => file === bad);
    const source = await MeshSource.open("/run/", new ChunkCache(), 0);
    const error = await new Promise<Error>((resolve) => {
      source.onChange = (problem) => problem && resolve(problem);
    });
    expect(error.message).toContain("answered 404");
    expect(asked.filter((file) => file === bad).length).toBe(3);
    expect(source.positions(0, 0)).toBeUndefined();
  });
});

describe("ChunkCache", () => {
  it("throws away what was not used for longest", () => {
    const cache = new ChunkCache(250);
    cache.put("a", new Int16Array(50));
    cache.put("b", new Int16Array(50));
    cache.get("a");
    cache.put("c", new Int16Array(50));
    expect([cache.has("a"), cache.has("b"), cache.has("c")]).toEqual([true, false, true]);
  });
});
