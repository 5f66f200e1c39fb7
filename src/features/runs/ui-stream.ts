import { byeEvent } from "../../kernel/log/connections.ts";
import { DataLine, dataLine, Encoded } from "../../kernel/log/outlet.ts";
import type { Entry } from "../../kernel/log/tail.ts";
import type { PartForm } from "./follow.ts";
import { isEnd, isStart, type PartEntry, partJson } from "./part-log.ts";

/** Headers of the AI SDK's UI message stream, version 1. */
const UI_HEADERS = { "x-vercel-ai-ui-message-stream": "v1", "cache-control": "no-cache" };
const DONE = new DataLine("[DONE]");

/** Stored parts with their places, as they are listed. */
export const partForm: PartForm = {
  encode: (entries) => [...entries],
  isLast: () => false,
  end: (place) => new Encoded("bye", `{"reason":"ended","resumeAfter":${place}}`),
  cut: byeEvent,
};

/** The same of one turn, to its end. */
export const turnForm: PartForm = { ...partForm, isLast: isEnd };

/** One turn as the AI SDK reads it: from `start` to its end, and `[DONE]`. */
export function uiForm(): PartForm {
  let hasBegun = false;
  return {
    headers: UI_HEADERS,
    encode(entries) {
      const from = hasBegun ? 0 : entries.findIndex(isStart);
      if (from < 0) return [];
      hasBegun = true;
      return entries.slice(from).map(chunkOf);
    },
    isLast: isEnd,
    end: () => DONE,
    // Without its end the client takes the stream up again.
    cut: () => undefined,
  };
}

function chunkOf(entry: PartEntry): Entry {
  const { id, key, event, expiresAt } = entry;
  entry.chunk ??= { id, key, event, expiresAt, json: "", sse: dataLine(partJson(entry)) };
  return entry.chunk;
}
