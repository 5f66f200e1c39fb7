import { z } from "zod";
import { Scheduled, SentMessage } from "./messages.ts";
import { WorkAnswer } from "./work.ts";

/** In place of an item's answer. The problem is read as loosely as that of a whole answer: it may be one of a newer relay. */
const Refused = z.object({
  problem: z.looseObject({ status: z.int() }),
  retryAfterSeconds: z.number().optional(),
});

const itemsOf = <S extends z.ZodType<object>>(item: S) => z.object({ items: z.array(z.union([item, Refused])) });

/** Answers to messages that are sent each by itself, as a client reads them. */
export const SentItems = itemsOf(z.union([SentMessage, Scheduled]));

/** Answers to work that is completed each by itself, as a client reads them. */
export const CompletedItems = itemsOf(WorkAnswer);
