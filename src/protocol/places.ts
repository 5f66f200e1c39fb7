import { z } from "zod";
import { Conversation } from "./posts.ts";
import { NAMED, strictObject } from "./shape.ts";
import { MessageId } from "./wire.ts";

/** Where the person of a session is. */
export const Place = z
  .union([
    z.literal("user"),
    strictObject(() => ({ conversation: Conversation })),
    strictObject(() => ({ threadId: MessageId })),
  ])
  .register(NAMED, { id: "Place" });
export type Place = z.output<typeof Place>;
