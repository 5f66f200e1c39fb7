import { Problem } from "../../protocol/problem.ts";

/** Headers that never hold a comma: a comma means that Bun joined several of them. */
const SINGLE = ["Host", "Content-Length"];

/**
 * Refuses a head that a proxy could read otherwise than the relay: with two values, the proxy may check one and the relay
 * use the other. @throws Problem 400
 */
export function checkHead(request: Request): void {
  for (const name of SINGLE)
    if (request.headers.get(name)?.includes(","))
      throw new Problem("bad-request", `Send one ${name} header, not several.`);
  // Bun answers trailer fields with a bare 400.
  if (request.headers.has("trailer"))
    throw new Problem("bad-request", "Trailer fields are not taken. Send the request without a Trailer header.");
}

/** Refuses a compressed body. @throws Problem 415 */
export function checkEncoding(request: Request): void {
  const encoding = request.headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  if (encoding !== "" && encoding !== "identity")
    throw new Problem(
      "unsupported-media-type",
      `The body has Content-Encoding ${encoding.slice(0, 100)}. Send it as it is, without that header.`,
    );
}
