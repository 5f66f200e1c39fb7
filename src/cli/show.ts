import type { Agent } from "../protocol/agents.ts";
import type { Entry, Message } from "../protocol/messages.ts";
import type { Claimed } from "../protocol/work.ts";
import type { Output } from "./output.ts";
import { safeLine, safeText } from "./screen.ts";

// Objects as people read them. Text by others is made safe here.

/** `2026-01-01T12:00:03.123Z` → `2026-01-01 12:00:03Z`. */
export const timeText = (time: string | null): string =>
  time === null ? "-" : safeLine(time).replace("T", " ").replace(/\.\d+/, "");

/** `2026-03-01 14:05:09` of the reader's clock; of today without the date. */
export function localText(time: string): string {
  const [day, clock = ""] = new Date(time).toLocaleString("sv-SE").split(" ");
  return day === new Date().toLocaleDateString("sv-SE") ? clock : `${day} ${clock}`;
}

/** `45 s`, `12 min`, `3 h`, `5 d`; `-` without a time. */
export function ageText(time: string | null): string {
  if (time === null) return "-";
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** Stands for text that clients have encrypted. */
export const ENCRYPTED = "(encrypted)";

export function messageText(message: Entry | Message, { paint }: Output): string {
  const { id, from, to, kind, topic, subject, urgent, threadId, replyTo, createdAt, encoding } = message;
  const state = "state" in message ? message.state : null;
  const isSettled = "settled" in message && message.settled === true;
  const remarks = [
    kind,
    topic && `topic ${topic}`,
    state,
    isSettled && "settled",
    urgent && "urgent",
    replyTo && `reply to ${replyTo}`,
  ]
    .filter(Boolean)
    .map((remark) => safeLine(String(remark)));
  const thread = threadId === id ? "" : `  thread ${threadId}`;
  const head = `${paint("bold", `#${id}`)}  ${paint("cyan", safeLine(from))} → ${safeLine(to)}  ${remarks.join(", ")}${thread}`;
  const body = encoding === "opaque" ? ENCRYPTED : safeText(message.body);
  const chat = kind === "channel.event" ? chatText(message.payload) : "";
  const lines = [
    ...(subject ? [paint("bold", safeLine(subject))] : []),
    ...(chat ? [paint("dim", chat)] : []),
    ...body.split("\n"),
  ];
  return [`${head}  ${paint("dim", timeText(createdAt))}`, ...lines.map((line) => `  ${line}`)].join("\n");
}

/** Context of a message in its chat: author, original author of forwarded text, quoted message. */
function chatText(payload: Message["payload"]): string {
  const { name, isBot } = (payload?.sender ?? {}) as { name?: unknown; isBot?: unknown };
  const { forwardedFrom, quoted } = payload ?? {};
  return [
    typeof name === "string" && `by ${name}${isBot === true ? ", a bot" : ""}`,
    typeof forwardedFrom === "string" && `forwarded from ${forwardedFrom}`,
    typeof quoted === "string" && `answers: ${quoted}`,
  ]
    .filter((part) => part !== false)
    .map((part) => safeLine(part).slice(0, 300))
    .join("; ");
}

export function claimedText({ message, claim }: Claimed, out: Output): string {
  const lease = `  lease ${safeLine(claim.token)}, attempt ${claim.attempt}, until ${timeText(claim.expiresAt)}`;
  return `${messageText(message, out)}\n${out.paint("dim", lease)}`;
}

/** Fields of an object, one a line, without empty ones. */
export function fieldsText(fields: object, { paint }: Output): string {
  const rows = Object.entries(fields).flatMap(([name, value]): [string, string][] => {
    if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return [];
    return [[safeLine(name), safeLine(typeof value === "object" ? JSON.stringify(value) : String(value))]];
  });
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${paint("dim", name.padEnd(width))}  ${value}`).join("\n");
}

/** Fields of an answer; when it holds a secret, with the remark that no later answer does. */
export const secretText = (answer: object & { secret?: string | undefined }, out: Output): string =>
  `${fieldsText(answer, out)}${answer.secret === undefined ? "" : `\n${out.paint("yellow", "The secret is shown this once.")}`}`;

export const agentRow = (agent: Agent): string[] => [
  agent.id,
  agent.kind,
  agent.ready ? agent.status : `${agent.status}, not ready`,
  agent.reach,
  agent.machine ?? "",
  timeText(agent.lastSeenAt),
  [...agent.tags.map((tag) => `tag:${tag}`), ...agent.capabilities.map((capability) => `cap:${capability}`)].join(" "),
];
export const AGENT_HEAD = ["AGENT", "KIND", "STATUS", "REACH", "MACHINE", "LAST SEEN", "GROUPS"];
