import { untilAnswered } from "../../client/until-answered.ts";
import type { Caps } from "../../protocol/caps.ts";
import { DaemonError } from "../errors.ts";
import type { CommandRow } from "../journal/commands.ts";
import type { Services } from "../services.ts";
import { capsOf, strictest } from "../supervision/gauges.ts";

/**
 * Refuses a spawn that is deeper than the caps of its agent, of the spawn itself or of the session that asks for it let it be.
 * @throws DaemonError, RelayProblem
 */
export async function checkDepth(
  services: Services,
  row: CommandRow,
  { agentId, caps }: { agentId: string; caps: Caps },
): Promise<void> {
  const { journal, link, time, life } = services;
  const parentId = row.payload.spawnedBy?.runId;
  if (!parentId) return;
  const asker = journal.sessions.get(journal.turns.ofRun(parentId)?.sessionId ?? "");
  const { depth: most } = strictest(capsOf(services, { agentId, caps: null }), caps, asker && capsOf(services, asker));
  if (most === undefined) return;
  const { depth } = await untilAnswered(time, () => link.box.delegations.get(row.delegationId), life);
  if (depth > most)
    throw new DaemonError(
      `It would run at depth ${depth} below ${parentId}, and the cap is ${most}. Do this work without a spawn, or raise the cap of depth.`,
    );
}
