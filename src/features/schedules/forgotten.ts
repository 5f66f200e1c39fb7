import type { Core } from "../../core/core.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { FireRow } from "./store.ts";

/** A time that was run by hand, as its key remembers it. */
export interface RunByHand {
  scheduleId: string;
  n: number;
  by: string;
  /** Id of its message, or of the plan that waited for a person. */
  sent: string;
}

/**
 * The time of a run by hand whose row has gone, made of the message that it sent: a key is known for as long as that is kept.
 * `undefined` when the message has gone, too.
 */
export async function forgottenFire(
  on: ReadTx,
  { rows, delayed }: Core["messages"],
  { sent, ...run }: RunByHand,
): Promise<FireRow | undefined> {
  const isPlan = sent.startsWith("sch_");
  const plan = isPlan ? await delayed.rows.byId(on, sent) : undefined;
  const message = isPlan ? undefined : await rows.byId(on, Number(sent));
  const at = (plan ?? message)?.createdAt;
  if (at === undefined) return undefined;
  const messageId = plan ? plan.messageId : (message?.id ?? null);
  const error = plan?.error ?? null;
  return {
    ...run,
    ...{ scheduledAt: at, firedAt: at, missed: 0, person: null, reason: null, messageId, error },
    outcome: messageId !== null ? "sent" : error === null ? "waiting" : "failed",
    approvalId: plan?.waits?.approvalId ?? null,
  };
}
