const URL_PARTS = /^(?:[a-z]+:\/\/[^/?#]*)?([^?#]*)(?:\?([^#]*))?/i;

/**
 * Target of a request. `new URL` would throw: Bun builds the URL from the unchecked `Host` header, and drops the origin
 * when that header is malformed.
 */
export function placeOf(request: Request): { path: string; query: string } {
  const [, path = "", query = ""] = URL_PARTS.exec(request.url) ?? [];
  return { path, query };
}

/** `Link` header to the next page of a list (RFC 8288), if there is one. */
export function nextLink(request: Request, next: number | string | null): Record<string, string> {
  if (next === null) return {};
  const { path, query } = placeOf(request);
  const parameters = new URLSearchParams(query);
  parameters.set("page", String(next));
  return { link: `<${path}?${parameters}>; rel="next"` };
}
