import type { z } from "zod";
import type { Areas } from "../../core/core.ts";
import { actingAs, type Caller } from "../../identity/auth/caller.ts";
import type { LetterQuery, MessageLetter } from "../../protocol/digest.ts";
import type { Message } from "../../protocol/messages.ts";
import { envelopesOf, PREFACE } from "./envelope.ts";
import { tokensOf } from "./tokens.ts";

export type Letters = ReturnType<typeof createLetters>;

/** Single messages as texts for models, for runners that begin a turn with each. */
export const createLetters = ({ kernel, identity, core }: Areas) => ({
  /** `GET /v1/messages/{id}/letter`. @throws Problem 403, 404, 409 */
  async read(
    caller: Caller,
    id: number,
    { agent, budget, offset }: z.output<typeof LetterQuery>,
  ): Promise<MessageLetter> {
    const reader = actingAs(caller, agent);
    const json = await kernel.db.read((on) => core.messages.readers.detail(on, caller, id));
    const letter = JSON.parse(json) as Message;
    const options = {
      tokens: budget - tokensOf(PREFACE),
      offset,
      // The envelope tells in words about a chat; its payload repeats that.
      withPayload: letter.kind !== "channel.event",
    };
    const { text, next } = envelopesOf({ kernel, identity }, reader).message(letter, options);
    return { id, text: [PREFACE, text].join("\n"), next: next ?? null };
  },
});
