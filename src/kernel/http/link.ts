const URL_PARTS = /^(?:[a-z]+:\/\/[^/?#]*)?([^?#]*)(?:\?([^#]*))?/i;

/**
 * What a request asks for. Not by `new URL`, which throws: Bun makes the URL from a `Host` header that it does not
 * check, and leaves the origin out when that is hopeless.
 */
export function placeOf(request: Request): { path: string; query: string } {
  const [, path = "", query = ""] = URL_PARTS.exec(request.url) ?? [];
  return { path, query };
}

/** The `Link` header of a list that goes on (RFC 8288), or none. */
export function nextLink(request: Request, next: number | string | null): Record<string, string> {
  if (next === null) return {};
  const { path, query } = placeOf(request);
  const parameters = new URLSearchParams(query);
  parameters.set("page", String(next));
  return { link: `<${path}?${parameters}>; rel="next"` };
}
