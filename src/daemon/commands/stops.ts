import type { Exit } from "../../harness/providers/provider.ts";
import type { CommandOf } from "../../protocol/commands.ts";
import { counted } from "../counted.ts";
import { DaemonError } from "../errors.ts";
import { keyOfPlace } from "../sessions/places.ts";
import type { Done, Hands } from "./hands.ts";
import { GONE } from "./spawn.ts";

export async function interrupt({ services, turns }: Hands, { sessionId }: CommandOf<"interrupt">): Promise<Done> {
  const session = services.journal.sessions.get(sessionId);
  if (!session || session.state === "dead") throw new DaemonError(GONE);
  const running = turns.in(sessionId);
  const reason = "A person stopped it.";
  if (!running) {
    const wasWaiting = await turns.stopWaiting(sessionId, reason);
    return { sessionId, text: wasWaiting ? `${session.name} was stopped.` : `${session.name} does nothing.` };
  }
  running.stop("interrupt", reason);
  await running.done;
  return { sessionId, text: `${session.name} was stopped, and waits.` };
}

/** Ends the process of a session. "Killed" is said after its exit was seen. */
export async function kill(
  { services, turns, live, reporter, worktrees }: Hands,
  command: CommandOf<"kill">,
): Promise<Done> {
  const { journal, time } = services;
  const session = journal.sessions.get(command.sessionId);
  if (!session) throw new DaemonError(GONE);
  if (session.state === "dead")
    return { sessionId: session.id, ended: true, text: `${session.name} had ended before.` };
  const running = turns.in(session.id);
  const reason = command.reason ?? "A person killed it.";
  running?.stop("kill", reason);
  await turns.stopWaiting(session.id, reason);
  const exit = await live.close(session.id, { graceMs: 5_000, byPerson: true });
  await running?.done;
  if (session.lane !== "main")
    journal.write(() => journal.sessions.change(session.id, { state: "dead", endedAt: time.wall() }));
  void reporter.report(session.id, { reason: command.reason ?? "Killed by a person." });
  const kept = await worktrees.ended(session);
  const end = endOf(session.name, exit);
  return { sessionId: session.id, ...end, text: [end.text, kept].filter(Boolean).join(" ") };
}

function endOf(name: string, exit: Exit | undefined): Pick<Done, "ended" | "left" | "text"> {
  const left = (exit?.left ?? []).map(({ pid, command }) => ({ pid, command }));
  if (left.length === 0) return { ended: true, text: `Killed ${name}.` };
  return {
    ended: false,
    left,
    text: `${name}: ${counted(left.length, "process", "processes")} did not end (${left.map(({ pid }) => pid).join(", ")}).`,
  };
}

/** Ends the main session of a place. The next message there begins a new one. */
export async function clear(
  { services, turns, live, reporter, worktrees }: Hands,
  { agentId, place }: CommandOf<"clear">,
): Promise<Done> {
  const { journal, time } = services;
  const main = journal.sessions.main(agentId, place === undefined ? "main" : keyOfPlace(place));
  if (!main) return { agentId, text: "No session is there. The next message begins one." };
  const running = turns.in(main.id);
  // From now on its place begins another.
  journal.write(() => journal.sessions.change(main.id, { isMain: false }));
  running?.stop("kill", "A person cleared the session.");
  await turns.stopWaiting(main.id, "A person cleared the session.");
  const exit = await live.close(main.id);
  await running?.done;
  journal.write(() => journal.sessions.change(main.id, { state: "dead", endedAt: time.wall() }));
  await reporter.report(main.id, { reason: "Cleared by a person." });
  const kept = await worktrees.ended(main);
  const { ended, left } = endOf(main.name, exit);
  return {
    agentId,
    sessionId: main.id,
    ended,
    ...(left && { left }),
    text: ["Cleared. The next message begins a new session.", kept].filter(Boolean).join(" "),
  };
}
