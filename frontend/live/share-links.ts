/** Links that share a page (`[data-share]`) take along what is shown now: the query of the page's address. */

export function shareAddress(address: string, search: string): string {
  const url = new URL(address, "http://localhost");
  if (search) url.searchParams.set("state", search.replace(/^\?/, ""));
  return url.pathname + url.search;
}

export function enableShareLinks(root: ParentNode): void {
  for (const link of root.querySelectorAll<HTMLAnchorElement>("a[data-share]")) {
    const address = link.getAttribute("href") ?? "";
    const follow = () => link.setAttribute("href", shareAddress(address, location.search));
    for (const event of ["pointerdown", "focus", "click"]) link.addEventListener(event, follow);
  }
}
