/** Images that are uploaded together become one set: a ZIP, made here, in the order of their names. */
import { zip } from "fflate";

const IMAGE_NAME = /\.(jpe?g|png|webp)$/i;

function isImage(file: Pick<File, "name" | "type">): boolean {
  return IMAGE_NAME.test(file.name) || /^image\/(jpeg|png|webp)$/.test(file.type);
}

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

/** The files to upload: several images as one ZIP, everything else as it is. */
export async function packImages(files: readonly File[]): Promise<File[]> {
  const images = files.filter(isImage).sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  if (images.length < 2) return [...files];
  const names = uniqueNames(images.map((file) => file.name));
  const contents = await Promise.all(images.map(async (file) => new Uint8Array(await file.arrayBuffer())));
  const entries = Object.fromEntries(names.map((name, index) => [name, contents[index] as Uint8Array]));
  const packed = await new Promise<Uint8Array>((resolve, reject) => {
    zip(entries, { level: 0 }, (error, data) => (error ? reject(error) : resolve(data)));
  });
  const set = new File([packed.slice().buffer], imageSetName(images.map((file) => file.name)), { type: "application/zip" });
  return [...files.filter((file) => !isImage(file)), set];
}
