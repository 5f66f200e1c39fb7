import type { Caller } from "../../identity/auth/caller.ts";
import type { Db } from "../../kernel/db/database.ts";
import type { Delegation } from "../../protocol/delegations.ts";
import type { DelegationService } from "./service.ts";

/** Notes that a session reads the answer to what it asked, before it has it. */
export async function handedOver(
  db: Db,
  delegations: DelegationService,
  caller: Caller,
  delegation: Delegation,
): Promise<Delegation> {
  const { answer, from, messageId } = delegation;
  if (caller.sessionId != null && answer && from === caller.agentId)
    await db.write((tx) => delegations.hand(tx, caller, [{ messageId, answerId: answer.messageId }]));
  return delegation;
}
