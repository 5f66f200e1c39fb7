import { toJSONSchema, z } from "zod";
import type { TurnResult } from "../../harness/providers/provider.ts";
import { isSilence } from "../../protocol/silence.ts";
import type { TurnEnd } from "../journal/turns.ts";

/** Structured answer of a model: it says something, or nothing. */
export const Answer = z.object({
  action: z.enum(["send", "silent"]).describe("silent: there is nothing to say to the person."),
  actionReason: z.string().describe("Why so. It is shown with what you think, and sent to nobody."),
  message: z.string().optional().describe("Text for the person."),
  files: z.array(z.string()).max(32).optional().describe("Whole paths of files to send along."),
  buttons: z.array(z.string().max(64)).max(24).optional().describe("Answers that the person can tap."),
  backgroundAgents: z
    .array(z.object({ name: z.string().max(64), prompt: z.string(), model: z.string().optional() }))
    .max(5)
    .optional()
    .describe("Long work to do beside the dialogue. Each reports back once."),
});

let schema: object | undefined;
/** Schema that a CLI is given. */
export const answerSchema = (): object => {
  schema ??= toJSONSchema(Answer);
  return schema;
};

export type Said = Pick<TurnEnd, "text" | "silent" | "reason" | "files" | "buttons" | "background">;

/** Answer of a turn: by the schema where the model kept to it, else its visible text. Nothing that it said is lost. */
export function answerOf({ structured, text }: Pick<TurnResult, "structured" | "text">): Said {
  const { data } = Answer.safeParse(structured);
  if (!data) return { text: looseText(structured) ?? text, silent: isSilence(text) };
  const { action, actionReason, message, files, buttons, backgroundAgents } = data;
  return {
    text: message ?? "",
    silent: action === "silent" || isSilence(message ?? ""),
    reason: actionReason,
    ...(files?.length && { files }),
    ...(buttons?.length && { buttons: buttons.map((label, at) => [{ text: label, id: `answer-${at + 1}` }]) }),
    ...(backgroundAgents?.length && { background: backgroundAgents }),
  };
}

/** Text of an answer that is nearly as asked for. */
function looseText(structured: unknown): string | undefined {
  if (typeof structured !== "object" || structured === null) return undefined;
  return "message" in structured && typeof structured.message === "string"
    ? structured.message
    : JSON.stringify(structured);
}
