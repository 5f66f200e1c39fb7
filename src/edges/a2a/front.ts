import { A2A_VERSION_HEADER } from "@a2a-js/sdk";
import { A2AError } from "@a2a-js/sdk/errors";
import { type A2ARequestHandler, validateVersion } from "@a2a-js/sdk/server";
import type { Areas } from "../../core/core.ts";
import type { Call } from "../../identity/auth/route.ts";
import { placeOf } from "../../kernel/http/link.ts";
import { Problem } from "../../protocol/problem.ts";
import { extendedRelayCard, MAX_NAMED, relayCard } from "./cards.ts";
import { baseOf } from "./endpoint.ts";
import type { MakeHandler } from "./handler.ts";
import type { Endpoint } from "./service.ts";
import type { Streams } from "./stream.ts";
import { minorOf } from "./version.ts";

export type AnyCall = Call<unknown, unknown, unknown>;

export type Front = ReturnType<typeof createFront>;

/** The common part of the two bindings. */
export function createFront(
  { kernel, identity }: Areas,
  handlers: MakeHandler,
  { streams, publicUrl }: { streams: Streams; publicUrl: string | undefined },
) {
  const extendedCard = async (base: string) => extendedRelayCard(base, await identity.agents.providers(MAX_NAMED));

  return {
    streams,

    /** Handler of one call, which `leaving` aborts when the client has left. @throws VersionNotSupportedError */
    open(call: AnyCall, endpoint: Endpoint, binding: "JSONRPC" | "HTTP+JSON") {
      const { caller, request } = call;
      const base = baseOf(request, publicUrl);
      const card = relayCard(base);
      validateVersion(versionOf(request), card, binding);
      const leaving = new AbortController();
      request.signal.addEventListener("abort", () => leaving.abort(), { once: true });
      const follower = { caller, endpoint, signal: leaving.signal };
      const extended = endpoint === null ? () => extendedCard(base) : undefined;
      const handler: A2ARequestHandler = handlers(follower, card, extended);
      return { handler, leaving };
    },

    /** Logs an error that is not the client's. */
    note(error: unknown): void {
      if (!(error instanceof Problem) && !(error instanceof A2AError)) kernel.onError(error);
    },
  };
}

/** By header or query; without either 0.3, the last version that had none. */
const versionOf = (request: Request): string =>
  minorOf(
    request.headers.get(A2A_VERSION_HEADER) ??
      new URLSearchParams(placeOf(request).query).get(A2A_VERSION_HEADER) ??
      "0.3",
  );
