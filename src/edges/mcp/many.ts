import { isGroup } from "../../identity/agents/target.ts";
import { harmlessLine } from "../../protocol/harmless.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { McpAreas, Turn } from "./services.ts";

/** A message to more members than this needs approval by a person. */
const MANY = 10;
/** Text of an answer that comes with a question. */
export const WAITING = "Waiting for approval.";

/** Leaves a message to many to a person's decision. @returns the question, while it has no answer. @throws Problem 403 */
export async function askFirst(areas: McpAreas, turn: Turn, draft: ParsedDraft): Promise<string | undefined> {
  if (!isGroup(draft.to)) return undefined;
  const author = { id: turn.caller.agentId, kind: "provider" as const, via: null };
  const { matched } = await areas.kernel.db.read((on) => areas.core.messages.address(on, author, draft));
  if (matched <= MANY) return undefined;
  const question = `Send this to ${matched} agents (${harmlessLine(draft.to, 80)})? ${harmlessLine(draft.body, 200)}`;
  const answer = turn.approval(question);
  if (answer === "approved") return undefined;
  if (answer === "ask") return question;
  if (answer === "declined") throw new Problem("forbidden", "Not sent: a person declined it.");
  throw new Problem(
    "forbidden",
    `Not sent: it would reach ${matched} agents. For more than ${MANY} a person has to approve, and this client cannot ask. Write to fewer.`,
  );
}
