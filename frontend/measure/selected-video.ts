/** The video to measure in: the chosen one while it is ticked, else the first ticked one, else the chosen one. */
export function selectedVideo(values: readonly string[], ticked: ReadonlySet<string>, chosen: string): string {
  return ticked.has(chosen) ? chosen : (values.find((value) => ticked.has(value)) ?? chosen);
}
