/** Files of dropped or chosen folders, with their paths, sorted into what can be uploaded and what is left out. */

export interface FoundFile {
  file: File;
  /** Path below what was dropped: `scan/01.png`; without a folder just the name. */
  path: string;
}

export interface Sorted {
  /** Images by the folder they are in ("" without one): each folder becomes one image set. */
  imageFolders: Map<string, File[]>;
  /** Videos and archives, each an upload of its own. */
  singles: File[];
  /** Paths of files of other kinds. */
  leftOut: string[];
}

const IMAGE = /\.(jpe?g|png|webp)$/i;
const SINGLE = /\.(zip|mp4|m4v|mov|avi|mkv|webm|ts|mts|m2ts|mpe?g|mjpe?g|wmv|mxf|dv|3gp|gif|apng)$/i;
const HIDDEN = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$)/i;

/** Sorts files of folders; hidden ones are ignored, loose ones (without a folder) are left to the server to judge. */
export function sortFiles(found: readonly FoundFile[]): Sorted {
  const sorted: Sorted = { imageFolders: new Map(), singles: [], leftOut: [] };
  for (const { file, path } of found) {
    const folder = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (folder && HIDDEN.test(path)) continue;
    if (IMAGE.test(file.name) || /^image\/(jpeg|png|webp)$/.test(file.type)) {
      sorted.imageFolders.set(folder, [...(sorted.imageFolders.get(folder) ?? []), file]);
    } else if (!folder || SINGLE.test(file.name) || file.type.startsWith("video/")) sorted.singles.push(file);
    else sorted.leftOut.push(path);
  }
  return sorted;
}

/** Files of a file input; a folder's have their paths. */
export function filesOfInput(files: FileList | null | undefined): FoundFile[] {
  return [...(files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

async function filesOfEntry(entry: FileSystemEntry): Promise<FoundFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FoundFile[] = [];
  for (;;) {
    // a reader returns its entries in parts, the last of which is empty
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (!entries.length) return found;
    for (const each of entries) found.push(...(await filesOfEntry(each)));
  }
}

/** Files of a drop, those in dropped folders included. The entries must be read before the event has ended. */
export function filesOfDrop(transfer: DataTransfer | null): Promise<FoundFile[]> {
  const entries = [...(transfer?.items ?? [])].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (!entries.length) return Promise.resolve(filesOfInput(transfer?.files));
  return Promise.all(entries.map(filesOfEntry)).then((parts) => parts.flat());
}
