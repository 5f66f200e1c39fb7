/** Strong ETag of a content. */
export const etagOf = (content: string | Uint8Array<ArrayBuffer>): string =>
  `"${new Bun.CryptoHasher("sha256").update(content).digest("base64url")}"`;

/** Answers with the content, or with 304 when the client's ETag matches. */
export function unlessKnown(
  request: Request,
  content: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> & { etag: string; "content-type": string },
): Response {
  if (!isKnown(request.headers.get("if-none-match"), headers.etag)) return new Response(content, { headers });
  const { "content-type": _, ...rest } = headers;
  return new Response(null, { status: 304, headers: rest });
}

/** RFC 9110, section 13.1.2. */
function isKnown(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false;
  return ifNoneMatch.split(",").some((given) => ["*", etag].includes(given.trim().replace(/^W\//, "")));
}
