import { describe, expect, it } from "vitest";
import { filesOfDrop, sortFiles } from "./folders";

const found = (path: string, type = "") => ({ file: new File(["x"], path.split("/").at(-1) ?? "", { type }), path });

/** A file system entry as browsers have them: directories return their entries two at a time. */
function entry(path: string, children?: FileSystemEntry[]): FileSystemEntry {
  if (!children)
    return { isFile: true, fullPath: `/${path}`, file: (done: (file: File) => void) => done(found(path).file) } as never;
  let next = 0;
  const readEntries = (done: (entries: FileSystemEntry[]) => void) => {
    done(children.slice(next, next + 2));
    next += 2;
  };
  return { isFile: false, fullPath: `/${path}`, createReader: () => ({ readEntries }) } as never;
}

describe("sortFiles", () => {
  it("makes one set of the images of each folder, and an upload of each video", () => {
    const { imageFolders, singles, leftOut } = sortFiles([
      found("scan/left/1.png"),
      found("scan/right/1.JPG"),
      found("scan/left/2.png"),
      found("scan/clip.MOV"),
      found("scan/notes.txt"),
      found("scan/meta.json"),
    ]);
    expect([...imageFolders].map(([folder, files]) => [folder, files.map((file) => file.name)])).toEqual([
      ["scan/left", ["1.png", "2.png"]],
      ["scan/right", ["1.JPG"]],
    ]);
    expect(singles.map((file) => file.name)).toEqual(["clip.MOV"]);
    expect(leftOut).toEqual(["scan/notes.txt", "scan/meta.json"]);
  });
  it("ignores hidden files of folders", () => {
    const hidden = ["a/.DS_Store", "a/__MACOSX/1.png", "a/Thumbs.db", "a/.cache/2.png", "a/._1.png"];
    expect(sortFiles(hidden.map((path) => found(path)))).toEqual({ imageFolders: new Map(), singles: [], leftOut: [] });
  });
  it("passes single files of any kind to the server", () => {
    expect(sortFiles([found("what.xyz")]).singles.length).toBe(1);
  });
});

describe("filesOfDrop", () => {
  it("reads all entries of folders", async () => {
    const images = ["1", "2", "3", "4", "5"].map((name) => entry(`set/${name}.png`));
    const items = [entry("set", [...images, entry("set/deep", [entry("set/deep/6.png")])]), entry("clip.mp4")];
    const transfer = { items: items.map((each) => ({ webkitGetAsEntry: () => each })) } as never;
    expect((await filesOfDrop(transfer)).map(({ path }) => path)).toEqual([
      "set/1.png",
      "set/2.png",
      "set/3.png",
      "set/4.png",
      "set/5.png",
      "set/deep/6.png",
      "clip.mp4",
    ]);
  });
});
