import { RelayProblem } from "../../client/errors.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { Services } from "../services.ts";

/** Token of the relay's tools for this session; null where the relay gives none. */
export async function relayTools(
  { config, link, time, life, log }: Services,
  row: SessionRow,
): Promise<{ url: string; token: string } | null> {
  const draft = { role: "agent" as const, agentId: row.agentId, sessionId: row.id, name: `session ${row.name}` };
  try {
    const made = await untilAnswered(time, () => link.box.tokens.create(draft), life);
    return { url: `${config.relay.replace(/\/+$/, "")}/mcp`, token: made.token };
  } catch (error) {
    if (!(error instanceof RelayProblem)) throw error;
    log(`Session ${row.id} gets no tools of the relay: ${error.message}`);
    return null;
  }
}
