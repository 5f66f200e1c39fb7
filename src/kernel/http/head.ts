import { Problem } from "../../protocol/problem.ts";

/** Headers of which Bun hands over several as one, with commas between, and which never have a comma of their own. */
const SINGLE = ["Host", "Content-Length"];

/**
 * Refuses a head that others could read otherwise than the relay: a proxy that goes by another of two values lets through
 * what it meant to keep out. @throws Problem 400
 */
export function checkHead(request: Request): void {
  for (const name of SINGLE)
    if (request.headers.get(name)?.includes(","))
      throw new Problem("bad-request", `Send one ${name} header, not several.`);
  // Bun answers a body that ends with trailer fields by a bare 400.
  if (request.headers.has("trailer"))
    throw new Problem("bad-request", "Trailer fields are not taken. Send the request without a Trailer header.");
}

/** @throws Problem 415 when the body is compressed */
export function checkEncoding(request: Request): void {
  const encoding = request.headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  if (encoding !== "" && encoding !== "identity")
    throw new Problem(
      "unsupported-media-type",
      `The body has Content-Encoding ${encoding.slice(0, 100)}. Send it as it is, without that header.`,
    );
}
