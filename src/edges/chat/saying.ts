import { createHash } from "node:crypto";
import type { z } from "zod";
import type { AgUiInput } from "../../protocol/chat.ts";
import { BODY_BYTES } from "../../protocol/limits.ts";
import { FileId } from "../../protocol/posts.ts";
import { Problem } from "../../protocol/problem.ts";
import type { ChatBody } from "../../protocol/run-events.ts";
import { text } from "../../protocol/wire.ts";

/** Something that a person says in a chat. */
export interface Saying {
  /** Makes a repeat the same. */
  id: string | undefined;
  text: string;
  files: string[];
}

/** Longest name of a client that is kept as it is. */
const NAME = 100;
const FILE_URL = /\/v1\/files\/([^/?#]+)$/;

/** The newest message of a user in a body of the AI SDK. Everything before it is known already. @throws Problem 422 */
export function sayingOf({ messages }: ChatBody): Saying {
  const index = messages.findLastIndex(({ role }) => role === "user");
  const message = messages[index];
  if (!message) throw Problem.invalid("/messages", "has no message of a user");
  const files: string[] = [];
  const texts: string[] = [];
  for (const [at, part] of message.parts.entries()) {
    const pointer = `/messages/${index}/parts/${at}`;
    if (part.type === "text" && typeof part.text === "string") texts.push(part.text);
    if (part.type === "file") files.push(fileOf(part.url, `${pointer}/url`));
  }
  const id = message.id === undefined ? undefined : short(message.id);
  return checked({ id, text: texts.join("\n"), files }, `/messages/${index}/parts`);
}

/** The same of a body of AG-UI, whose `runId` makes a repeat the same. @throws Problem 422 */
export function sayingIn({ messages, runId, tools }: AgUiInput): Saying {
  if (tools?.length) throw Problem.invalid("/tools", "are not taken: an agent of the relay has tools of its own");
  const index = messages.findLastIndex(({ role }) => role === "user");
  const content = messages[index]?.content;
  if (content === undefined) throw Problem.invalid("/messages", "has no message of a user");
  const parts = Array.isArray(content) ? content : [{ type: "text", text: content }];
  const texts = parts.map((part, at) => {
    if (part?.type === "text" && typeof part.text === "string") return part.text;
    throw Problem.invalid(`/messages/${index}/content/${at}`, "has to be text");
  });
  return checked({ id: short(`agui:${runId}`), text: texts.join("\n"), files: [] }, `/messages/${index}/content`);
}

/** A name of a client as part of a key: a long one by its hash. */
export const short = (name: string): string =>
  name.length <= NAME && name.isWellFormed() ? name : createHash("sha256").update(name).digest("hex");

/** @throws Problem 422 */
function fileOf(url: unknown, pointer: string): string {
  const id = FileId.safeParse(typeof url === "string" ? FILE_URL.exec(url)?.[1] : undefined);
  if (!id.success) throw Problem.invalid(pointer, "has to be a file of the relay: POST it to /v1/files first");
  return id.data;
}

/** @throws Problem 422 */
function checked(saying: Saying, pointer: string): Saying {
  if (saying.text.trim() === "" && saying.files.length === 0) throw Problem.invalid(pointer, "says nothing");
  const { error } = TEXT.safeParse(saying.text);
  if (error) throw Problem.invalid(pointer, error.issues[0]?.message ?? "is not acceptable");
  return saying;
}

const TEXT: z.ZodType<string> = text(BODY_BYTES);
