import { RunPart } from "../protocol/run-events.ts";
import { followRunEvents, streamRun } from "../protocol/run-routes.ts";
import { linkedAbort } from "./abort.ts";
import { createBackoff } from "./backoff.ts";
import { bytesOf } from "./bytes.ts";
import type { Caller } from "./caller.ts";
import { mayPass, RelayMismatch, RelayUnreachable, retryAfterOf } from "./errors.ts";
import { createSseParser, type SseEvent } from "./sse.ts";

export interface RunFollowOptions {
  /** Place to start after; by default the beginning. */
  after?: number;
  /** This turn alone. */
  turn?: string;
  /** Agent to act for. */
  agentId?: string;
  /** Ends the iteration, without an error. */
  signal?: AbortSignal;
  /** The connection was lost because of `cause`, and the next try is in `inMs`. */
  onReconnect?: (inMs: number, cause: unknown) => void;
}

/**
 * Parts of a run as they are stored, from the beginning to the run's end, each once and in order across lost connections and
 * restarts of the relay.
 * @throws errors that waiting does not cure: `RelayProblem` (401, 403, 404), `RelayMismatch`
 */
export async function* followRun(
  caller: Caller,
  id: string,
  options: RunFollowOptions = {},
): AsyncGenerator<RunPart, void, void> {
  const life = linkedAbort(options.signal);
  const backoff = createBackoff(caller.timing);
  const place = { after: options.after };
  try {
    for (;;) {
      try {
        return yield* connection(caller, id, { ...options, place, up: backoff.up }, life.signal);
      } catch (cause) {
        if (life.signal.aborted || !mayPass(cause)) throw cause;
        const inMs = Math.round(backoff.delay(retryAfterOf(cause)));
        options.onReconnect?.(inMs, cause);
        await caller.timing.sleep(inMs, life.signal);
      }
    }
  } catch (error) {
    if (!options.signal?.aborted) throw error;
  } finally {
    life.abort(undefined);
    life.dispose();
  }
}

interface Connection extends Pick<RunFollowOptions, "turn"> {
  place: { after?: number | undefined };
  up(): void;
}

/** One connection, from where the last one ended. Ends with the run alone. */
async function* connection(
  caller: Caller,
  id: string,
  { place, turn, up }: Connection,
  signal: AbortSignal,
): AsyncGenerator<RunPart, void, void> {
  const { after } = place;
  const headers = { accept: "text/event-stream", ...(after !== undefined && { "last-event-id": String(after) }) };
  const parser = createSseParser();
  for await (const bytes of bytesOf(
    caller,
    { contract: followRunEvents, params: { id }, query: { turn }, headers },
    signal,
  )) {
    up();
    for (const event of parser.feed(bytes)) {
      if (event.type === "bye") {
        if (isOver(event)) return;
        throw new RelayUnreachable(caller.transport.base, "it closed the stream");
      }
      const part = partOf(event);
      if (!part || part.place <= (place.after ?? -1)) continue;
      place.after = part.place;
      yield part;
    }
  }
}

function isOver({ data }: SseEvent): boolean {
  try {
    return JSON.parse(data).reason === "ended";
  } catch {
    return false;
  }
}

function partOf({ type, data }: SseEvent): RunPart | undefined {
  if (type !== "part") return undefined;
  try {
    return RunPart.parse(JSON.parse(data));
  } catch (error) {
    throw new RelayMismatch(`The stream's part is not the relay's: ${String(error)}`, { cause: error });
  }
}

/**
 * One turn as chunks of the AI SDK's UI message stream, from its start to its end; by default the newest. One connection: a lost one
 * rejects, and the next call begins at the start again, as that protocol has it.
 */
export async function* turnChunks(
  caller: Caller,
  id: string,
  { turn, signal }: { turn?: string; signal?: AbortSignal } = {},
): AsyncGenerator<{ type: string; [member: string]: unknown }, void, void> {
  const life = linkedAbort(signal);
  const parser = createSseParser();
  try {
    for await (const bytes of bytesOf(caller, { contract: streamRun, params: { id }, query: { turn } }, life.signal)) {
      for (const { data } of parser.feed(bytes)) {
        if (data === "[DONE]") return;
        yield JSON.parse(data);
      }
    }
  } finally {
    life.dispose();
  }
}
