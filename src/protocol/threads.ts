import { z } from "zod";
import { Message } from "./messages.ts";
import { NumberPageQuery, Str, StrOrNull } from "./wire.ts";

export const ThreadQuery = z.strictObject({ ...NumberPageQuery });
export const Thread = z.object({
  root: Message.nullable().describe("null when retention took it or the caller may not read it."),
  items: z.array(Message.extend({ readBy: z.array(Str) })),
  participants: z.array(Str),
  nextPage: StrOrNull,
});
export type Thread = z.infer<typeof Thread>;
