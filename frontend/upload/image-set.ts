/** Images that are uploaded together become one set: a ZIP, made here, in the order of their names. */
import { zip } from "fflate";

/** The name of the set: the common start of its images' names, else "images". */
export function imageSetName(names: readonly string[]): string {
  const [first = "", ...rest] = names;
  let length = first.length;
  for (const name of rest) while (length && !name.startsWith(first.slice(0, length))) length -= 1;
  const shared = first.slice(0, length).replace(/[\s_.\-0-9]+$/, "");
  return `${shared.length > 2 ? shared : "images"} (${names.length}).zip`;
}

/** Names that differ, in the order of the files: `hand.jpg`, `hand-2.jpg`. */
export function uniqueNames(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : name.replace(/(\.[^.]*)?$/, `-${count}$1`);
  });
}

/** The images as one upload: a ZIP of several, or the only one; named after their folder if they have one. */
export async function packImages(found: readonly File[], folder = ""): Promise<File> {
  const images = [...found].sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  const [first] = images;
  if (!first) throw new Error("an image set needs at least one image");
  if (images.length === 1) return first;
  const names = uniqueNames(images.map((file) => file.name));
  const contents = await Promise.all(images.map(async (file) => new Uint8Array(await file.arrayBuffer())));
  const entries = Object.fromEntries(names.map((name, index) => [name, contents[index] as Uint8Array]));
  const packed = await new Promise<Uint8Array>((resolve, reject) => {
    zip(entries, { level: 0 }, (error, data) => (error ? reject(error) : resolve(data)));
  });
  const last = folder.split("/").at(-1);
  const name = last ? `${last} (${images.length}).zip` : imageSetName(images.map((file) => file.name));
  return new File([packed.slice().buffer], name, { type: "application/zip" });
}
