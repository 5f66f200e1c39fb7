import type { SessionEvent, TurnResult } from "../../harness/providers/provider.ts";
import type { CommandOf } from "../../protocol/commands.ts";
import { counted } from "../counted.ts";
import { DaemonError } from "../errors.ts";
import type { SessionRow } from "../journal/sessions.ts";
import { newSessionId, runnableOf } from "../services.ts";
import { progressOf } from "../sessions/progress.ts";
import type { Done, Hands } from "./hands.ts";
import { GONE } from "./spawn.ts";

const PATIENCE_MS = 120_000;
const QUESTION =
  "Look at the work of this session so far. You are a copy of it: a tool call without a result still runs in the session. " +
  "In two or three sentences: what is done, what is in progress, what remains? Use no tools.";

/** Tells what a session does now: by a copy of it that leaves nothing behind, else by the events of its run. */
export async function peek(hands: Hands, { sessionId }: CommandOf<"peek">): Promise<Done> {
  const session = hands.services.journal.sessions.get(sessionId);
  if (!session || session.state === "dead") throw new DaemonError(GONE);
  const { provider } = runnableOf(hands.services, session.provider);
  const text = provider.capabilities.ephemeralFork && session.nativeId !== null ? await ask(hands, session) : undefined;
  return { sessionId, text: `[${session.name}] ${text ?? (await fromEvents(hands, session))}` };
}

/** @returns undefined when the copy gave no answer */
async function ask({ services, live, reporter }: Hands, of: SessionRow): Promise<string | undefined> {
  const { journal, time, log } = services;
  const { config } = runnableOf(services, of.provider);
  const row = journal.write(() =>
    journal.sessions.save({
      ...of,
      ...{
        id: newSessionId(),
        lane: "peek",
        isMain: false,
        demotedBy: null,
        nativeId: null,
        forkOf: of.nativeId,
        forkAt: null,
      },
      ...{ name: `peek-${of.name}`.slice(0, 64), model: config.peekModel ?? of.model, state: "starting" },
      ...{ pid: null, startTicks: null, fence: null, note: null, createdAt: time.wall() },
      meter: of.meter ?? of.id,
    }),
  );
  const result = Promise.withResolvers<TurnResult | undefined>();
  const leave = live.listen(row.id, {
    event: (event: SessionEvent) => event.type === "result" && result.resolve(event.result),
    exited: () => result.resolve(undefined),
  });
  const patience = new AbortController();
  try {
    const native = await live.open(row);
    const provenance = { kind: "relay" as const, from: "relay" };
    await native.send({ id: crypto.randomUUID(), text: QUESTION, images: [], provenance });
    const late = time.sleep(PATIENCE_MS, patience.signal).catch(() => undefined);
    const answer = await Promise.race([result.promise, late]);
    return (answer ?? undefined)?.text.trim() || undefined;
  } catch (error) {
    log(`A look at session ${of.id} failed: ${error instanceof Error ? error.message : error}`);
    return undefined;
  } finally {
    patience.abort();
    leave();
    await live.close(row.id, { graceMs: 2_000 });
    journal.write(() => journal.sessions.change(row.id, { state: "dead", endedAt: time.wall() }));
    void reporter.report(row.id);
  }
}

async function fromEvents({ services, turns }: Hands, session: SessionRow): Promise<string> {
  const running = turns.in(session.id);
  if (!running?.handle) return "It does nothing now.";
  await running.handle.flush();
  const { tools, lastTool, said } = await progressOf(services, session.agentId, running.handle.id);
  return [
    "By its events:",
    tools > 0 ? `${counted(tools, "call")} of tools, the last ${lastTool}.` : "no calls of tools.",
    said === "" ? "It has said nothing yet." : `It said last: ${said}`,
  ].join(" ");
}
