import { z } from "zod";
import { at, contracts } from "./contract.ts";
import { Message } from "./messages.ts";
import { NAMED, object, strictObject } from "./shape.ts";
import { MessagePath, NumberPageQuery, Str, StrOrNull } from "./wire.ts";

export const ThreadQuery = strictObject(() => ({ ...NumberPageQuery }));
export const Thread = object(() => ({
  root: Message.nullable().describe("null when retention took it or the caller may not read it."),
  items: z.array(Message.extend({ readBy: z.array(Str) })),
  participants: z.array(Str),
  nextPage: StrOrNull,
})).register(NAMED, { id: "Thread" });
export type Thread = z.infer<typeof Thread>;

export const getThread = contracts("Messages")("getThread", "GET /v1/threads/{id}", {
  ...at(MessagePath, Thread, "What of the thread the caller may read."),
  summary: "Get a thread's messages, oldest first",
  query: ThreadQuery,
});
