/** The video whose pictures are offered: the one chosen as long as it is ticked, else the first that is, else the one chosen. */
export function offered(values: readonly string[], ticked: ReadonlySet<string>, chosen: string): string {
  return ticked.has(chosen) ? chosen : (values.find((value) => ticked.has(value)) ?? chosen);
}
