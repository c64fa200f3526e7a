/** Loads the meshes of a run: the chunk at the current frame first, then the following ones, within a memory budget. */

import type { HandJoints } from "../metrics/hand-pairs";
import type { Indices } from "./geometry";
import { decodeModel, PARAMETERS, PosedHand } from "./posed-hand";
import {
  type BoxScale,
  boxScale,
  type Certainty,
  checkHeader,
  decodeCertainty,
  decodeChunk,
  decodeFaces,
  decodeFloats,
  decodeJoints,
  decodeSkin,
  framesOf,
  gunzip,
  JOINTS,
  type Range,
  rowOf,
  type Skin,
  type TrackChunk,
  type TrackHand,
  type TrackHeader,
  union,
} from "./viewer-track";

/** The rows of a hand in a stretch: quantised positions, or the parameters of a hand with a model. */
export type Rows = Int16Array | Float32Array;

/** Decoded chunks of all runs; beyond the budget (bytes) the least recently used are dropped. */
export class ChunkCache {
  private readonly chunks = new Map<string, Rows>();
  private size = 0;

  constructor(readonly budget = 192e6) {}

  has(key: string): boolean {
    return this.chunks.has(key);
  }

  get(key: string): Rows | undefined {
    const chunk = this.chunks.get(key);
    if (chunk) {
      this.chunks.delete(key); // a Map keeps the order of insertion: moves it to the end
      this.chunks.set(key, chunk);
    }
    return chunk;
  }

  put(key: string, chunk: Rows): void {
    if (this.chunks.has(key)) return;
    this.chunks.set(key, chunk);
    this.size += chunk.byteLength;
    for (const [oldest, data] of this.chunks) {
      if (this.size <= this.budget || oldest === key) break;
      this.chunks.delete(oldest);
      this.size -= data.byteLength;
    }
  }
}

/** Numbers a row of a hand's chunks, and bytes a number. */
function rowSize(hand: TrackHand): [stride: number, bytes: number] {
  return hand.model ? [PARAMETERS, 4] : [3 * hand.vertex_count, 2];
}

export interface WantedChunk {
  hand: TrackHand;
  chunk: TrackChunk;
}

/**
 * Which chunks to load, most urgent first: those at `frame`, then the following ones, then from the start (where a loop
 * continues), up to `limit` decoded bytes.
 */
export function wantedChunks(header: TrackHeader, frame: number, limit: number): WantedChunk[] {
  const span = Math.max(header.frame_count, 1);
  const all = header.hands.flatMap((hand, index) =>
    hand.chunks.map((chunk) => {
      const inside = frame >= chunk.first && frame < chunk.first + chunk.count;
      const distance = inside ? 0 : chunk.first > frame ? chunk.first - frame : chunk.first - frame + span;
      const [stride, bytes] = rowSize(hand);
      return { hand, chunk, index, distance, bytes: chunk.rows * stride * bytes };
    }),
  );
  all.sort((a, b) => a.distance - b.distance || a.index - b.index);
  const chosen: WantedChunk[] = [];
  let sum = 0;
  for (const { hand, chunk, distance, bytes } of all) {
    if (distance > 0) sum += bytes;
    if (sum <= limit) chosen.push({ hand, chunk });
  }
  return chosen;
}

const PARALLEL = 4;
const ATTEMPTS = 3;

/** Files by name: names are made of their content, so that layers of one hand model load its faces once. */
const sharedFiles = new Map<string, Promise<ArrayBuffer>>();

/** The meshes of one run. `base` is the URL of its header; its files are below it. */
export class MeshSource {
  readonly scale: BoxScale;
  private readonly inFlight = new Set<string>();
  private readonly failures = new Map<string, number>();
  private loadedJoints: Promise<HandJoints[] | null> | null = null;
  private handJoints: Float32Array[] | null = null;
  private loadedCertainty: Promise<void> | null = null;
  private handCertainty: Array<Certainty | null> = [];
  private frame = 0;
  private ahead = true;
  private closed = false;

  private constructor(
    readonly header: TrackHeader,
    /** One for each hand of the header. */
    readonly faces: Indices[],
    /** One for each hand with a model: it makes the positions of a row of parameters. */
    readonly posed: PosedHand[],
    private readonly base: string,
    private readonly cache: ChunkCache,
  ) {
    this.scale = boxScale(header.box);
  }

  /** Called when a chunk has been loaded, or with an error when it cannot be. */
  onChange: (error?: Error) => void = () => {};

  /** `first`: the frame whose chunks are loaded first, in parallel with the faces; `onRequested`: their requests have been sent. */
  static async open(base: string, cache: ChunkCache, first: number, onRequested = () => {}, ahead = true): Promise<MeshSource> {
    const header = checkHeader((await (await get(base)).json()) as TrackHeader);
    const faces: MeshSource["faces"] = [];
    const posed: PosedHand[] = [];
    const source = new MeshSource(header, faces, posed, base, cache);
    const loaded = header.hands.map(async (hand, index) => {
      faces[index] = hand.faces
        ? decodeFaces(await source.sharedFile(hand.faces.file), hand.faces.type, hand.vertex_count)
        : new Uint16Array(0);
    });
    header.hands.forEach(({ model, vertex_count }, index) => {
      if (!model) return;
      const made = async () => {
        const data = await source.sharedFile(model.file);
        posed[index] = new PosedHand(decodeModel(data, vertex_count, model.steps, model.mirrored));
      };
      loaded.push(made());
    });
    // Hands without a mesh are drawn from their joints.
    if (header.hands.some((hand) => !hand.vertex_count)) loaded.push(source.joints().then(() => {}));
    source.request(first, ahead);
    onRequested();
    await Promise.all(loaded);
    return source;
  }

  /** The row of a hand with a mesh at a frame; `null` in a gap, `undefined` while it is loading. */
  meshRow(hand: number, frame: number): Rows | null | undefined {
    const entry = this.header.hands[hand];
    if (!entry) return null;
    const row = rowOf(entry.present, frame);
    if (row < 0) return null;
    let before = 0;
    for (const chunk of entry.chunks) {
      if (row < before + chunk.rows) {
        const [stride] = rowSize(entry);
        const start = (row - before) * stride;
        return this.cache.get(this.key(chunk.file))?.subarray(start, start + stride);
      }
      before += chunk.rows;
    }
    return null;
  }

  /** The joints of all hands in the order of the header; null where the track has none. Loaded once. */
  joints(): Promise<HandJoints[] | null> {
    this.loadedJoints ??= this.loadJoints();
    return this.loadedJoints;
  }

  /** The joints of a hand at a frame; `null` in a gap, `undefined` while they are loading. */
  jointRow(hand: number, frame: number): Float32Array | null | undefined {
    const row = rowOf(this.header.hands[hand]?.present ?? [], frame);
    if (row < 0) return null;
    return this.handJoints?.[hand]?.subarray(3 * JOINTS * row, 3 * JOINTS * (row + 1));
  }

  /** Load how certain the joints of all hands are, once. */
  loadCertainty(): Promise<void> {
    this.loadedCertainty ??= Promise.all(
      this.header.hands.map(async ({ certainty, present }) =>
        certainty ? decodeCertainty(await this.file(certainty.file), framesOf(present).length) : null,
      ),
    ).then((loaded) => {
      this.handCertainty = loaded;
    });
    return this.loadedCertainty;
  }

  /** How certain the joints of a hand are at a frame; null in a gap, where the method does not tell, or while it is loading. */
  certaintyRow(hand: number, frame: number): Certainty | null {
    const row = rowOf(this.header.hands[hand]?.present ?? [], frame);
    const all = this.handCertainty[hand];
    if (row < 0 || !all) return null;
    const [from, to] = [JOINTS * row, JOINTS * (row + 1)];
    return { std: all.std.subarray(from, to), seen: all.seen.subarray(from, to) };
  }

  /** Which joints move each vertex of a hand; null where it is not known. */
  async skin(hand: number): Promise<Skin | null> {
    const entry = this.header.hands[hand];
    return entry?.skin ? decodeSkin(await this.sharedFile(entry.skin.file), entry.vertex_count) : null;
  }

  private async loadJoints(): Promise<HandJoints[] | null> {
    const { hands } = this.header;
    if (!hands.every((hand) => hand.joints)) return null;
    const loaded = await Promise.all(
      hands.map(async ({ side, joints, present }) => {
        const frames = framesOf(present);
        const data = await this.file((joints as { file: string }).file);
        return { side, frames, joints: decodeJoints(data, frames.length), jointCount: JOINTS };
      }),
    );
    this.handJoints = loaded.map(({ joints }) => joints);
    return loaded;
  }

  /** Load what this frame needs, and with `ahead` the following ones: before anything is played, they may not be wanted. */
  request(frame: number, ahead = true): void {
    this.frame = frame;
    this.ahead = ahead;
    this.loadNext();
  }

  /** Frames of which all hands are loaded. */
  buffered(): Range[] {
    const missing: Range[] = [];
    for (const hand of this.header.hands)
      for (const chunk of hand.chunks)
        if (!this.cache.has(this.key(chunk.file))) missing.push([chunk.first, chunk.first + chunk.count - 1]);
    const found: Range[] = [];
    let next = 0;
    for (const [first, last] of union(missing)) {
      if (first > next) found.push([next, first - 1]);
      next = last + 1;
    }
    if (next < this.header.frame_count) found.push([next, this.header.frame_count - 1]);
    return found;
  }

  close(): void {
    this.closed = true;
  }

  private key(file: string): string {
    return this.base + file;
  }

  private async file(name: string): Promise<ArrayBuffer> {
    return gunzip(await (await get(this.base + name)).arrayBuffer());
  }

  private sharedFile(name: string): Promise<ArrayBuffer> {
    const loading = sharedFiles.get(name) ?? this.file(name);
    sharedFiles.set(name, loading);
    loading.catch(() => sharedFiles.delete(name)); // another layer may try again
    return loading;
  }

  private loadNext(): void {
    // A quarter of the budget for what follows: the rest keeps what was just shown, and the other runs.
    for (const { hand, chunk } of wantedChunks(this.header, this.frame, this.ahead ? this.cache.budget / 4 : 0)) {
      if (this.closed || this.inFlight.size >= PARALLEL) return;
      const { file, rows } = chunk;
      const tries = this.failures.get(file) ?? 0;
      if (this.inFlight.has(file) || this.cache.has(this.key(file)) || tries >= ATTEMPTS) continue;
      this.inFlight.add(file);
      this.load(file, rows, hand, tries);
    }
  }

  private async load(file: string, rows: number, hand: TrackHand, tries: number): Promise<void> {
    try {
      if (tries) await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** tries));
      const data = await this.file(file);
      const chunk = hand.model ? decodeFloats(data, rows, PARAMETERS) : decodeChunk(data, rows, hand.vertex_count);
      this.cache.put(this.key(file), chunk);
      this.onChange();
    } catch (error) {
      this.failures.set(file, tries + 1);
      if (tries + 1 === ATTEMPTS) this.onChange(error as Error);
    } finally {
      this.inFlight.delete(file);
      this.loadNext();
    }
  }
}

async function get(url: string): Promise<Response> {
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}
