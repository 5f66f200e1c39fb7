/** The `Link` header of a list that goes on (RFC 8288), or none. */
export function nextLink(request: Request, next: number | string | null): Record<string, string> {
  if (next === null) return {};
  const url = new URL(request.url);
  url.searchParams.set("page", String(next));
  return { link: `<${url.pathname}${url.search}>; rel="next"` };
}
