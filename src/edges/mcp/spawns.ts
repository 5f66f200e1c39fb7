import { handedOver } from "../../features/delegations/handed.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { check } from "../../kernel/http/body.ts";
import { CommandDraft } from "../../protocol/commands.ts";
import type { Delegation } from "../../protocol/delegations.ts";
import { Problem } from "../../protocol/problem.ts";
import { RunId } from "../../protocol/runs.ts";
import { SessionId } from "../../protocol/sessions.ts";
import { PREFACE } from "../envelope/envelope.ts";
import { envelopesFor, type McpAreas, type Turn, withProgress } from "./services.ts";
import { roomIn } from "./tool.ts";

/** Time that a daemon has for a command of a tool. */
const TIMEOUT_SECONDS = 300;

interface How {
  wait: number;
  budget: number;
}

/** Orchestrator and provider of a name like `orchestrator:box/codex`; undefined for any other name. */
export function machineIn(agent: string | undefined): { orchestratorId: string; provider: string } | undefined {
  const [, orchestratorId, provider] = /^orchestrator:([^/]+)\/([^/]+)$/.exec(agent ?? "") ?? [];
  return orchestratorId && provider ? { orchestratorId, provider } : undefined;
}

/** Gives a command under the rules of `POST /v1/orchestrators/{id}/commands`, and waits for the daemon's answer. */
async function give(areas: McpAreas, turn: Turn, orchestratorId: string, command: object, { wait, budget }: How) {
  const { caller } = turn;
  const body = check(CommandDraft, { command, timeoutSeconds: TIMEOUT_SECONDS }, "");
  const service = await areas.commands.service();
  const how = { key: undefined, token: null };
  const { made } = await areas.kernel.db.write((tx) => service.post(tx, caller, orchestratorId, body, how));
  const done = await whenDone(areas, turn, made.id, wait);
  const now = await handedOver(areas.kernel.db, areas.delegations.service, caller, done);
  const said = now.answer?.text;
  const head = `${now.id} is ${now.status}.${now.status === "pending" ? " Its answer comes to your inbox." : ""}`;
  const quoted = said ? envelopesFor(areas, turn).quote(`answer of ${now.to}`, said, roomIn(budget, 80)) : undefined;
  const text = quoted ? [head, PREFACE, quoted].join("\n") : head;
  return { text, facts: { text, status: now.status } };
}

async function whenDone(areas: McpAreas, turn: Turn, id: string, seconds: number): Promise<Delegation> {
  const { caller, signal } = turn;
  const look = () => areas.kernel.db.read((on) => areas.delegations.service.get(on, caller, id));
  const now = await look();
  if (seconds === 0 || isOver(now)) return now;
  return withProgress(areas, turn, seconds, () =>
    areas.core.inbox.waits.forEntries<Delegation>({
      ...{ caller, signal, agentId: caller.agentId, waitMs: seconds * 1000, look },
      targets: async () => [caller.agentId],
      found: isOver,
    }),
  );
}

const isOver = ({ status }: Delegation): boolean => status !== "pending" && status !== "claimed";

/** Starts an agent on a machine. Its first result comes to the inbox as a run's does. */
export const spawn = (
  areas: McpAreas,
  turn: Turn,
  { orchestratorId, provider }: { orchestratorId: string; provider: string },
  how: How & { prompt: string },
) => give(areas, turn, orchestratorId, { do: "spawn", provider, prompt: how.prompt }, how);

/** Looks at a session, given by its id or that of its run, or ends it with all its processes. @throws Problem 403, 404, 422 */
export async function command(areas: McpAreas, turn: Turn, verb: "peek" | "kill", id: string | undefined, how: How) {
  const { sessionId, orchestratorId } = await areas.kernel.db.read((on) => sessionOf(areas, turn, on, id));
  return give(areas, turn, orchestratorId, { do: verb, sessionId }, how);
}

async function sessionOf(areas: McpAreas, { caller }: Turn, on: ReadTx, id: string | undefined) {
  if (id?.startsWith("ses_")) {
    const session = (await areas.sessions.find(on, check(SessionId, id, ""))) ?? Problem.missing("session", id);
    return { sessionId: id, orchestratorId: session.orchestratorId };
  }
  const { sessionId, orchestratorId } = await areas.runs.service.get(on, caller, check(RunId, id, ""));
  if (sessionId === null || orchestratorId === null)
    throw Problem.invalid("run", `${id} works in no session of an orchestrator: read, tell or stop it`);
  return { sessionId, orchestratorId };
}
