import type { CommandOf } from "../../protocol/commands.ts";
import { prefixOf } from "../config.ts";
import { DaemonError } from "../errors.ts";
import { runnableOf } from "../services.ts";
import { nameOf } from "../sessions/names.ts";
import { newSession } from "../sessions/rows.ts";
import { folderIn } from "./folders.ts";
import type { Done, Hands } from "./hands.ts";

/**
 * Takes over a session that somebody began by hand. It is resumed only where the CLI itself says that nobody has it open; else a
 * copy goes on.
 */
export async function adopt({ services, reporter }: Hands, command: CommandOf<"adopt">): Promise<Done> {
  const { journal, config, link } = services;
  const { provider } = runnableOf(services, command.provider);
  const foreign = (await provider.listForeign?.())?.find(({ nativeId }) => nativeId === command.nativeId);
  const cwd = folderIn(config.workspace, command.cwd ?? foreign?.cwd ?? undefined);
  const agentId = command.agentId ?? `${prefixOf(config)}${command.provider}`;
  await link.agent(agentId, command.provider);
  const isFree = foreign?.isOpen === false;
  if (!isFree && !provider.capabilities.fork)
    throw new DaemonError(
      `${command.provider} does not say whether somebody has this session open, and cannot copy it. Close it there first.`,
    );
  const isMain = journal.sessions.main(agentId, "main") === undefined;
  const name = nameOf(foreign?.name ?? "adopted");
  const plan = { task: "", lane: isMain ? ("main" as const) : ("background" as const), name, cwd };
  const sessionKey = isMain ? "main" : `bg:${name}`;
  const row = journal.write(() =>
    journal.sessions.save({
      ...newSession(services, { agentId, sessionKey, plan, messageId: null }),
      ...(isFree ? { nativeId: command.nativeId } : { forkOf: command.nativeId }),
      state: "idle",
    }),
  );
  await reporter.report(row.id);
  const how = isFree ? "It goes on as it is." : "A copy of it goes on: its CLI does not say that nobody has it open.";
  return { agentId, sessionId: row.id, text: `Adopted as session ${row.id}. ${how}` };
}
