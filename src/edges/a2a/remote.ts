import { A2A_PROTOCOL_VERSION, AGENT_CARD_PATH, AgentCard, type AgentInterface } from "@a2a-js/sdk";
import type { Client } from "@a2a-js/sdk/client";
import { A2AError } from "@a2a-js/sdk/errors";
import { type Egress, EgressError } from "../../kernel/egress/egress.ts";
import { Card } from "../../protocol/a2a.ts";
import { longNumbersIn, parseKeepingNumbers } from "../../protocol/numbers.ts";
import { ANSWER_MS } from "./kinds.ts";
import { minorOf } from "./version.ts";

/** Failure of a request to another machine. `isFinal`: a repetition would fail the same way. */
export class RemoteError extends Error {
  override readonly name = "RemoteError";
  constructor(
    message: string,
    readonly isFinal: boolean,
  ) {
    super(message.slice(0, 1000));
  }
}

/** A fetched card; undefined when it has not changed. */
export type FetchedCard = { card: AgentCard; etag: string | null } | undefined;

/** Target of a call. */
interface Destination {
  card: AgentCard;
  cardUrl: string;
  token: string | undefined;
  signal: AbortSignal;
  timeoutMs: number;
}

const CARD_BYTES = 256 * 1024;
const ANSWER_BYTES = 4 * 1024 * 1024;
const BINDINGS = ["JSONRPC", "HTTP+JSON"];

/** Calls external agents: the SDK's client, over requests to allowed addresses alone. */
export function createRemote(egress: Egress) {
  /** `fetch` for the SDK. No redirect is followed: a card says where its agent is. */
  function fetchFor({ token, signal, timeoutMs }: Omit<Destination, "card" | "cardUrl">): typeof fetch {
    const ask = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
      const headers = Object.fromEntries(new Headers(init.headers));
      if (token !== undefined) headers.authorization = `Bearer ${token}`;
      const body = typeof init.body === "string" ? { body: init.body } : {};
      const url = input instanceof Request ? input.url : String(input);
      const method = methodOf(init.method);
      const asked = { url, method, headers, ...body, signal, timeoutMs, maxBytes: ANSWER_BYTES };
      const answer = await egress.request(asked);
      if (RETRIED.has(answer.status)) throw new RemoteError(`It answered ${answer.status}.`, false);
      const hasBody = answer.status !== 204 && answer.status !== 304;
      return new Response(hasBody ? keepingNumbers(answer.body) : null, {
        status: answer.status,
        headers: answer.headers,
      });
    };
    return Object.assign(ask, { preconnect: () => undefined });
  }

  return {
    /** @throws RemoteError */
    async card(cardUrl: string, etag: string | null, signal: AbortSignal): Promise<FetchedCard> {
      const headers: Record<string, string> = { accept: "application/json", ...(etag && { "if-none-match": etag }) };
      const answer = await asRemote(() =>
        egress.request({ url: cardAt(cardUrl), headers, signal, timeoutMs: ANSWER_MS, maxBytes: CARD_BYTES }),
      );
      if (answer.status === 304) return undefined;
      if (answer.status !== 200) throw new RemoteError(`Its card's address answered ${answer.status}.`, false);
      const parsed = Card.safeParse(jsonOf(answer.body));
      if (!parsed.success) throw new RemoteError("The address of its card holds no agent card of A2A 1.0.", false);
      const card = AgentCard.fromJSON(parsed.data);
      interfaceOf(card);
      return { card, etag: answer.headers.etag ?? null };
    },

    /**
     * Calls it.
     * @param token goes to the host of the card alone
     * @throws RemoteError
     */
    async call<T>(at: Destination, act: (client: Client) => Promise<T>): Promise<T> {
      const { card, cardUrl, token } = at;
      const chosen = interfaceOf(card);
      if (token !== undefined && URL.parse(chosen.url)?.origin !== URL.parse(cardUrl)?.origin)
        throw new RemoteError(
          `Its card sends callers to ${URL.parse(chosen.url)?.origin}: its token goes to its card's host alone.`,
          false,
        );
      const { ClientFactory, JsonRpcTransportFactory, RestTransportFactory } = await import("@a2a-js/sdk/client");
      const fetchImpl = fetchFor(at);
      const transports = [new JsonRpcTransportFactory({ fetchImpl }), new RestTransportFactory({ fetchImpl })];
      return asRemote(async () => {
        const client = await new ClientFactory({ transports }).createFromAgentCard({
          ...card,
          supportedInterfaces: [chosen],
        });
        return act(client);
      });
    },
  };
}

/** Answers that may differ the next time: about the token, the rate, or the state of the agent. */
const RETRIED = new Set([401, 403, 408, 425, 429, 500, 502, 503, 504]);

/** The interface that is used. @throws RemoteError */
export function interfaceOf({ supportedInterfaces }: AgentCard): AgentInterface {
  const spoken = supportedInterfaces.filter(({ protocolBinding }) => BINDINGS.includes(protocolBinding));
  const found = spoken.find(({ protocolVersion }) => minorOf(protocolVersion) === A2A_PROTOCOL_VERSION);
  if (found) return { ...found, protocolVersion: A2A_PROTOCOL_VERSION };
  const versions = supportedInterfaces.map((one) => `${one.protocolBinding} ${one.protocolVersion}`).join(", ");
  throw new RemoteError(
    `Its card offers ${versions || "nothing"}; this relay speaks JSONRPC and HTTP+JSON of version ${A2A_PROTOCOL_VERSION}.`,
    false,
  );
}

/** A card's own address, or that of the host or path below which it is. */
function cardAt(url: string): string {
  if (URL.parse(url)?.pathname.endsWith(".json")) return url;
  return new URL(AGENT_CARD_PATH, url.endsWith("/") ? url : `${url}/`).href;
}

/** JSON in which numbers beyond 2^53 are text: the SDK, which parses it, would change them. Anything else is as it came. */
function keepingNumbers(body: Uint8Array): string {
  const text = new TextDecoder().decode(body);
  try {
    return longNumbersIn(text).length ? JSON.stringify(parseKeepingNumbers(text)) : text;
  } catch {
    return text;
  }
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

/** Turns every fault of the other side into a RemoteError. */
async function asRemote<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof RemoteError) throw error;
    if (error instanceof EgressError) throw new RemoteError(error.message, false);
    if (error instanceof A2AError)
      throw new RemoteError(`It refused: ${error.message}`, error.reason !== "INTERNAL_ERROR");
    if (error instanceof Error && error.name === "AbortError") throw error;
    throw new RemoteError(error instanceof Error ? error.message : String(error), false);
  }
}

/** The error as a value. Any other error is thrown. */
export function asRemoteError(error: unknown): RemoteError {
  if (error instanceof RemoteError) return error;
  throw error;
}

type Method = "GET" | "POST" | "DELETE";
const methodOf = (given: string | undefined): Method => (given === "POST" || given === "DELETE" ? given : "GET");
