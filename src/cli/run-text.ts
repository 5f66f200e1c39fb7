import type { Run, RunTree, RunUsage } from "../protocol/runs.ts";
import type { Output } from "./output.ts";
import { safeLine, safeText } from "./screen.ts";
import { ENCRYPTED, timeText } from "./show.ts";

/** `running`, `ended ok`, `ended error (lost), late`. */
export function statusOf({ status, outcome, errorCode, late, confirmed, approvalId }: Run): string {
  if (approvalId !== null && outcome === null) return `waits for ${safeLine(approvalId)}`;
  const kind = errorCode ? ` (${errorCode})` : "";
  const remarks = `${late ? ", late" : ""}${confirmed === false ? ", unconfirmed" : ""}`;
  return outcome === null ? status : `${status} ${outcome}${kind}${remarks}`;
}

const count = (n: number): string => (n < 10_000 ? `${n}` : `${Math.round(n / 1000)}k`);
export const tokensOf = ({ inputTokens, outputTokens }: RunUsage): string =>
  inputTokens + outputTokens === 0 ? "" : `${count(inputTokens)}/${count(outputTokens)}`;

/** `5,000 tokens in, 300 out, $0.02`; empty when nothing was reported. */
export function usageText({ inputTokens, outputTokens, cacheReadTokens, costUsd }: RunUsage): string {
  if (inputTokens + outputTokens + costUsd === 0) return "";
  const cached = cacheReadTokens > 0 ? `, ${count(cacheReadTokens)} from cache` : "";
  const cost = costUsd > 0 ? `, $${costUsd.toFixed(costUsd < 1 ? 4 : 2)}` : "";
  return `${count(inputTokens)} tokens in, ${count(outputTokens)} out${cached}${cost}`;
}

export function runText(run: Run, out: Output): string {
  const { paint } = out;
  const isOpaque = run.encoding === "opaque";
  const facts = [
    ["session", run.sessionKey === run.id ? null : run.sessionKey],
    ["label", run.label],
    ["message", run.messageId],
    ["delegation", run.delegationId],
    ["part of", run.parentId],
    ["result to", run.requester && requesterText(run.requester)],
    ["project", run.project],
    ["model", run.model],
    ["links", run.links.map(({ url, ref }) => url ?? ref).join(" ")],
    ["usage", usageText(run.usage)],
    ["until", run.status === "ended" ? null : run.deadlineAt && timeText(run.deadlineAt)],
  ].filter(([, value]) => value !== null && value !== undefined && value !== "");
  const result = run.result === null ? [] : [isOpaque ? ENCRYPTED : safeText(run.result.text)];
  const rest = run.result?.cut ? [paint("dim", `The whole is in ${safeLine(run.result.fileId ?? "a file")}`)] : [];
  return [
    `${paint("bold", safeLine(run.id))}  ${paint("cyan", safeLine(run.agentId))}  ${statusOf(run)}  ${paint("dim", timeText(run.createdAt))}`,
    ...facts.map(([name, value]) => paint("dim", `${name}: ${safeLine(String(value))}`)),
    isOpaque ? ENCRYPTED : `> ${safeText(run.task).replaceAll("\n", "\n> ")}`,
    ...(run.error === null ? [] : [paint("red", safeText(run.error))]),
    ...[...result, ...rest],
  ].join("\n");
}

export function requesterText(requester: NonNullable<Run["requester"]>): string {
  if ("agentId" in requester) return requester.agentId;
  if ("runId" in requester) return requester.runId;
  return `${requester.conversation.channelId}/${requester.conversation.conversationId}`;
}

export function treeText({ run, descendants, usage, complete }: RunTree, out: Output): string {
  const below = Map.groupBy(descendants, ({ parentId }) => parentId);
  const lines: string[] = [];
  const add = (one: Run, depth: number) => {
    const name = safeLine(one.label ?? (one.encoding === "opaque" ? ENCRYPTED : one.task))
      .slice(0, 60)
      .toWellFormed();
    const tokens = tokensOf(one.usage);
    lines.push(
      `${"  ".repeat(depth)}${out.paint("bold", safeLine(one.id))}  ${out.paint("cyan", safeLine(one.agentId))}  ${statusOf(one)}${tokens && `  ${tokens}`}  ${name}`,
    );
    for (const child of below.get(one.id) ?? []) add(child, depth + 1);
  };
  add(run, 0);
  const sum = usageText(usage);
  return [...lines, ...(sum ? [`Together: ${sum}${complete ? "" : ", as far as they told"}`] : [])].join("\n");
}

export const diffLine = (
  { path, change, added, removed }: { path: string; change: string; added: number; removed: number },
  out: Output,
): string =>
  `${safeLine(change).padEnd(8)}  ${safeLine(path)}  ${out.paint("green", `+${added}`)} ${out.paint("red", `-${removed}`)}`;
