import type { Areas } from "../../core/core.ts";
import type { Approvals } from "../../features/approvals/approvals.ts";
import type { ApprovalRow } from "../../features/approvals/row.ts";
import { usualOption } from "../../features/approvals/service.ts";
import type { Runs } from "../../features/runs/runs.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { check } from "../../kernel/http/body.ts";
import { ApprovalReply } from "../../protocol/approvals.ts";
import type { AgUiInput } from "../../protocol/chat.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Interrupts } from "./agui-form.ts";
import type { Chat, Chats, Heard } from "./chats.ts";

type Resume = NonNullable<AgUiInput["resume"]>;

/** Approvals of one run that a stream is told of. */
const MAX_APPROVALS = 500;

/** Answers to interrupts of AG-UI: these are approvals that wait in the chat's newest run. */
export function createResuming({ approvals }: Areas & { runs: Runs; approvals: Approvals }, chats: Chats) {
  const ofRun = (on: ReadTx, runId: string): Promise<ApprovalRow[]> => approvals.ofRun(on, runId, MAX_APPROVALS);

  async function answer(tx: Tx, caller: Caller, row: ApprovalRow, entry: Resume[number], at: string): Promise<void> {
    if (entry.status === "resolved") {
      await approvals.answer(tx, caller, row.id, replyIn(entry, at));
      return;
    }
    if (entry.status !== "cancelled") throw Problem.invalid(`${at}/status`, "has to be resolved or cancelled");
    // Another answer was first: the client only goes on.
    if (row.state !== "pending") return;
    const option = (usualOption(row, "deny")?.id ?? row.default) as string;
    await approvals.answer(tx, caller, row.id, { option, hash: row.hash });
  }

  return {
    /** Answers them as `POST /v1/approvals/{id}/answer` does. @throws Problem 403, 404, 409 not-open, 422 */
    async resume(tx: Tx, caller: Caller, chat: Chat, resume: Resume): Promise<Heard> {
      const run = await chats.find(tx, caller, chat);
      const asked = run ? await ofRun(tx, run.id) : [];
      for (const [index, entry] of resume.entries()) {
        const at = `/resume/${index}`;
        const row = asked.find(({ id }) => id === entry.interruptId);
        if (!row) throw Problem.invalid(`${at}/interruptId`, "names no approval of the run in this chat");
        await answer(tx, caller, row, entry, at);
      }
      if (!run) throw Problem.invalid("/resume", "there is no run in this chat");
      return { runId: run.id, turnId: run.turnId };
    },

    async interruptsOf(on: ReadTx, runId: string, resume: Resume = []): Promise<Interrupts> {
      const over = (await ofRun(on, runId)).filter(({ state }) => state !== "pending").map(({ id }) => id);
      return { resumed: new Set(resume.map(({ interruptId }) => interruptId)), over: new Set(over) };
    },
  };
}

/** @throws Problem 422 */
function replyIn({ payload }: Resume[number], at: string): ApprovalReply {
  try {
    return check(ApprovalReply, payload, "");
  } catch (error) {
    throw error instanceof Problem ? error.under(`${at}/payload`) : error;
  }
}
