import { RelayProblem } from "../../client/errors.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import { SessionBusy } from "../../harness/providers/errors.ts";
import type { ForeignSession } from "../../harness/providers/provider.ts";
import type { CommandOf } from "../../protocol/commands.ts";
import { prefixOf } from "../config.ts";
import { DaemonError } from "../errors.ts";
import type { SessionRow } from "../journal/sessions.ts";
import { runnableOf, type Services } from "../services.ts";
import { nameOf } from "../sessions/names.ts";
import { draftOf } from "../sessions/reporter.ts";
import { newSession } from "../sessions/rows.ts";
import { folderIn } from "./folders.ts";
import type { Done, Hands } from "./hands.ts";

/**
 * Takes over a session that somebody began by hand. It is resumed only where the CLI itself says that nobody has it open, and at
 * once, so that nobody opens it in between; else a copy goes on. A repeat finds the session of the first.
 */
export async function adopt(hands: Hands, command: CommandOf<"adopt">): Promise<Done> {
  const { services } = hands;
  const { journal } = services;
  const { provider } = runnableOf(services, command.provider);
  const known = journal.sessions.ofNative(command.provider, command.nativeId);
  if (known?.state === "dead" && known.nativeId !== null)
    throw new DaemonError(`It was session ${known.id} of this daemon, which has ended.`);
  if (known && known.state !== "dead") return begun(hands, await registered(services, known));
  const foreign = (await provider.listForeign?.())?.find(({ nativeId }) => nativeId === command.nativeId);
  const isFree = foreign?.isOpen === false;
  if (!isFree && !provider.capabilities.fork) throw new DaemonError(NO_COPY(command.provider));
  const row = await newRow(services, command, foreign);
  const { nativeId } = command;
  journal.write(() => journal.sessions.save({ ...row, ...(isFree ? { nativeId } : { forkOf: nativeId }) }));
  return begun(hands, await registered(services, journal.sessions.get(row.id) ?? row));
}

const NO_COPY = (provider: string): string =>
  `${provider} does not say whether somebody has this session open, and cannot copy it. Close it there first.`;

async function newRow(
  services: Services,
  { agentId: named, provider, cwd: given }: CommandOf<"adopt">,
  foreign: ForeignSession | undefined,
): Promise<SessionRow> {
  const { journal, config, link } = services;
  const cwd = folderIn(config.workspace, given ?? foreign?.cwd ?? undefined);
  const agentId = named ?? `${prefixOf(config)}${provider}`;
  await link.agent(agentId, provider);
  const lane = journal.sessions.main(agentId, "main") === undefined ? ("main" as const) : ("background" as const);
  const name = nameOf(foreign?.name ?? "adopted");
  const sessionKey = lane === "main" ? "main" : `bg:${name}`;
  const turn = { agentId, sessionKey, plan: { task: "", lane, name, cwd }, messageId: null };
  return { ...newSession(services, turn), worktree: null, state: "idle" };
}

/** Names it to the relay, which knows each native session once. @throws DaemonError where another orchestrator has it */
async function registered(services: Services, row: SessionRow): Promise<SessionRow> {
  const { link, time, life } = services;
  try {
    await untilAnswered(time, () => link.box.sessions.put(row.id, draftOf(row)), life);
    return row;
  } catch (error) {
    if (!(error instanceof RelayProblem)) throw error;
    forget(services, row);
    if (error.code !== "conflict") throw error;
    throw new DaemonError(`It is adopted already: ${error.message}`);
  }
}

function forget({ journal, time }: Services, { id }: SessionRow): void {
  const ended = { state: "dead" as const, isMain: false, nativeId: null, forkOf: null, endedAt: time.wall() };
  journal.write(() => journal.sessions.change(id, ended));
}

/** Opens a session that is resumed. A copy is made with its first message. */
async function begun({ services, live, reporter }: Hands, row: SessionRow): Promise<Done> {
  const { id: sessionId, agentId, nativeId } = row;
  if (nativeId === null) return { agentId, sessionId, text: copyText(sessionId) };
  try {
    await live.open(row);
    live.use(sessionId)();
    return { agentId, sessionId, text: `Adopted as session ${sessionId}. It goes on as it is.` };
  } catch (error) {
    const { provider } = runnableOf(services, row.provider);
    if (error instanceof SessionBusy && provider.capabilities.fork) {
      services.journal.write(() =>
        services.journal.sessions.change(sessionId, { nativeId: null, forkOf: nativeId, state: "idle" }),
      );
      await reporter.report(sessionId);
      return { agentId, sessionId, text: copyText(sessionId) };
    }
    if (!services.life.aborted) {
      forget(services, row);
      await reporter.report(sessionId, { reason: "It could not be opened." });
    }
    throw error;
  }
}

const copyText = (sessionId: string): string =>
  `Adopted as session ${sessionId}. A copy of it goes on: its CLI does not say that nobody has it open.`;
