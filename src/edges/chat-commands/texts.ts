import type { Delegation } from "../../protocol/delegations.ts";
import type { Session } from "../../protocol/sessions.ts";
import type { OrderRow } from "./store.ts";

/** Longest label of a button that all platforms show whole. */
const LABEL = 27;
const MINUTE = 60;
const HOUR = 60 * MINUTE;

export const NOT_FOUND = "Session not found or already finished.";
export const NOT_ALLOWED = "You may not do this here. Ask the operator to make you a guest that approves.";

/** Name of a session as one line. */
export const nameOf = ({ name, id }: Pick<Session, "name" | "id">): string =>
  (name ?? "").replace(/[\p{Cc}\p{Cf}]+/gu, " ").trim() || id;

export const labelOf = (session: Session): string => nameOf(session).slice(0, LABEL).toWellFormed();

/** A time in its two largest units. */
export function spanText(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < MINUTE) return `${seconds}s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)}m ${seconds % MINUTE}s`;
  return `${Math.floor(seconds / HOUR)}h ${Math.floor((seconds % HOUR) / MINUTE)}m`;
}

const since = (time: string, now: number): string => spanText(now - Date.parse(time));

function facts({ state, queued, usage, startedAt }: Session, now: number): string {
  const cost = usage?.costUsd ?? 0;
  return [
    since(startedAt, now),
    ...(state === "working" ? [] : [state]),
    ...(queued > 0 ? [`${queued} queued`] : []),
    ...(cost > 0 ? [`$${cost.toFixed(2)}`] : []),
  ].join(", ");
}

/** Running sessions, main ones marked, and those that ended within the hour. */
export function listText(live: readonly Session[], ended: readonly Session[], now: number): string {
  const running = live.map((session) =>
    session.lane === "main"
      ? `▶ ${nameOf(session)} (${facts(session, now)}) [main]`
      : `- ${nameOf(session)} (${facts(session, now)})`,
  );
  const done = ended.map((session) => `✓ ${nameOf(session)} (${since(session.endedAt ?? session.startedAt, now)} ago)`);
  return [
    ...(running.length > 0 ? running : ["No running sessions."]),
    ...(done.length > 0 ? ["", "Finished within the last hour:", ...done] : []),
  ].join("\n");
}

export function detailText(session: Session, now: number): string {
  const { agentId, lane, model, state, reason, queued, usage, startedAt, cwd } = session;
  return [
    `${nameOf(session)}${lane === "main" ? " [main]" : ""}`,
    `Agent: ${agentId}`,
    `Model: ${model ?? "default"}`,
    `Elapsed: ${since(startedAt, now)}`,
    `Status: ${state}${reason ? `, ${reason}` : ""}`,
    ...(queued > 0 ? [`Queued: ${queued}`] : []),
    ...(usage && usage.costUsd > 0 ? [`Cost: $${usage.costUsd.toFixed(2)}`] : []),
    ...(cwd ? [`Folder: ${cwd}`] : []),
  ].join("\n");
}

/** The end of a command, for the chat that gave it. */
export function resultText({ act, name }: Pick<OrderRow, "act" | "name">, { answer, status }: Delegation): string {
  if (answer === null || answer.error !== null || answer.from === "system")
    return `Couldn't ${act} ${name}: ${answer?.error ?? status}.`;
  const text = answer.text?.trim();
  if (act === "peek") return `[${name}] ${text || "[No output]"}`;
  if (act === "clear") return text || `Cleared. The next message to ${name} begins a new session.`;
  return text || `${act === "kill" ? "Killed" : "Stopped"} ${name}.`;
}
