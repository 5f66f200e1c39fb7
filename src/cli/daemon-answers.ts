import type { Client } from "../client/client.ts";
import type { CommandResult } from "../protocol/command-results.ts";
import type { CommandInput } from "../protocol/commands.ts";
import type { Delegation } from "../protocol/delegations.ts";
import type { CliCommand } from "./commands.ts";
import type { Context } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { positive } from "./options.ts";
import { safeLine, safeText } from "./screen.ts";
import { timeText } from "./show.ts";

export interface Timed {
  timeout?: number;
  nowait?: boolean;
}

export const withTimeout = (command: CliCommand): CliCommand =>
  command
    .option("--timeout <seconds>", "time until the daemon has answered (default: 300)", positive)
    .option("--nowait", "print the delegation, and wait for no answer");

/** Splits `<orchestrator>/<name>`. @throws Stop for anything else */
export function placeIn(where: string, name: "provider" | "agent"): [orchestratorId: string, name: string] {
  const [orchestratorId, named, more] = where.split("/");
  if (orchestratorId && named && more === undefined) return [orchestratorId, named];
  throw new Stop(EXIT.usage, `Say where as <orchestrator>/<${name}>: ${where}`);
}

export const resultOf = ({ answer }: Delegation): CommandResult => answer?.payload?.commandResult ?? {};

/** Reason why a command has not been carried out. */
const refusalOf = ({ id, status, answer }: Delegation): string => answer?.error || answer?.text || `${id} ${status}`;

/** Gives a command and waits for its answer. @throws Stop when the daemon refuses it, or does not answer in time */
export async function carriedOut(
  { client, out }: { client: Client; out: Pick<Context["out"], "note"> },
  id: string,
  command: CommandInput,
  timeoutSeconds?: number,
): Promise<Delegation> {
  const made = await client.orchestrators.command(id, command, { timeoutSeconds });
  if (made.approvalId !== null || made.queued) out.note(madeText(made));
  const ended = await client.delegations.wait(made.id);
  if (ended.status !== "answered") throw new Stop(EXIT.problem, refusalOf(ended));
  return ended;
}

/** Gives a command, and prints the daemon's answer. */
export async function give(context: Context, id: string, command: CommandInput, options: Timed): Promise<void> {
  const { client, out } = context;
  const { timeout: timeoutSeconds, nowait } = options;
  if (nowait) {
    const made = await client.orchestrators.command(id, command, { timeoutSeconds });
    return out.show(made, () => madeText(made));
  }
  const ended = await carriedOut(context, id, command, timeoutSeconds);
  await out.show(ended, () => (command.do === "spawn" ? answerText(ended) : daemonLines(ended).join("\n")));
}

function madeText({ id, approvalId, queued, to, deadlineAt }: Delegation): string {
  if (approvalId !== null) return `${id} waits until a person allows it: signalbox approvals show ${approvalId}`;
  const away = queued ? `; ${safeLine(to)} is offline` : "";
  return `${id}: an answer is due until ${timeText(deadlineAt)}${away}`;
}

/** Words of the daemon, and ids of what a spawn began. */
export function answerText(delegation: Delegation): string {
  const { agentId, sessionId, runId } = resultOf(delegation);
  const [text, ...left] = daemonLines(delegation);
  const named = [agentId, sessionId, runId].filter((name) => name !== undefined);
  return [text ?? "", ...(named.length ? [named.map(safeLine).join(" ")] : []), ...left].filter(Boolean).join("\n");
}

/** Words of the daemon, and processes that did not end. */
export function daemonLines(delegation: Delegation): string[] {
  const result = resultOf(delegation);
  return [
    safeText(delegation.answer?.text ?? result.text ?? ""),
    ...(result.ended === false ? ["It was not seen to end."] : []),
    ...(result.left ?? []).map(({ pid, command }) => `Left: ${pid} ${safeLine(command)}`),
  ];
}

/** Cancels a command that a daemon which is away would hear much later. */
export async function cancelQuietly(client: Client, id: string, reason: string): Promise<void> {
  await client.delegations.cancel(id, { reason }).catch(() => undefined);
}
