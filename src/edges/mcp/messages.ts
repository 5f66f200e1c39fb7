import { z } from "zod";
import { isGroup } from "../../identity/agents/target.ts";
import { check } from "../../kernel/http/body.ts";
import { harmlessLine } from "../../protocol/harmless.ts";
import { type Message, MessageDraft, type ParsedDraft } from "../../protocol/messages.ts";
import { tokensOf } from "../envelope/tokens.ts";
import { askFirst, WAITING } from "./many.ts";
import { envelopesFor, type McpAreas, type Turn } from "./services.ts";
import { budget, id, READ_ONLY, roomIn, tool } from "./tool.ts";

const words = z.string().describe("Text.");
const about = z.literal("nothing").optional().describe("nothing: not caused by what you heard or work on.");
const causeOf = (given: "nothing" | undefined): { causedBy?: null } => (given === undefined ? {} : { causedBy: null });
const key = z.string().optional().describe("Same key, same message: safe to repeat.");

export const who = tool({
  name: "who",
  description:
    "List agents, people and channels on the relay. Targets of send: an id, tag:x, cap:x, label:x, broadcast.",
  input: z.strictObject({
    tag: z.string().optional(),
    cap: z.string().optional(),
    all: z.boolean().default(false).describe("Offline ones, too."),
    budget: budget(1000),
  }),
  output: z.object({ text: z.string(), shown: z.int(), more: z.boolean() }),
  hints: READ_ONLY,
  async run(areas, turn, { tag, cap, all, budget: tokens }) {
    const filter = { tag, capability: cap };
    const list = await areas.kernel.db.read((on) =>
      areas.identity.agents.list(on, turn.caller, { ...filter, limit: 500 }),
    );
    const there = list.items.filter((agent) => agent.id !== "system" && (all || agent.status !== "offline"));
    const lines: string[] = [];
    let left = roomIn(tokens, 60);
    for (const agent of there) {
      const about = [
        agent.role,
        agent.rig,
        ...agent.skills.map((skill) => skill.name),
        ...agent.tags.map((t) => `#${t}`),
      ];
      const said = about.filter((part) => part !== null && part !== "").join(", ");
      const me = agent.id === turn.caller.agentId ? " (you)" : "";
      const ready = agent.ready ? "" : ", takes no work";
      const line = `${agent.id}${me}: ${agent.kind}, ${agent.status}, reach ${agent.reach}${ready}${said ? ` | ${harmlessLine(said, 120)}` : ""}`;
      if (tokensOf(line) + 2 > left) break;
      left -= tokensOf(line) + 2;
      lines.push(line);
    }
    const more = lines.length < there.length || list.nextPage !== null;
    const head = `${lines.length} shown${more ? ", there are more: narrow by tag or cap" : ""}${all ? "" : "; offline ones with all"}`;
    const text = envelopesFor(areas, turn).quote(
      `${head}; what stands after | is their own words`,
      lines.join("\n"),
      tokens,
    );
    return { text, facts: { text, shown: lines.length, more } };
  },
});

export const send = tool({
  name: "send",
  description: "Send a message. Answers at once; replies come to your inbox.",
  input: z.strictObject({
    to: z.string().describe("Agent id, user, @channel, tag:x, cap:x, label:x or broadcast."),
    text: words,
    subject: z.string().optional(),
    work: z.boolean().default(false).describe("A task that exactly one may claim."),
    urgent: z.boolean().default(false),
    about,
    key,
  }),
  output: z.object({ id: z.int(), matched: z.int(), note: z.string().optional() }),
  async run(areas, turn, { to, text, subject, work, urgent, about, key }) {
    const given = { to, body: text, subject, claimable: work, urgent, idempotencyKey: key, ...causeOf(about) };
    const draft = check(MessageDraft, given, "");
    return sent(areas, turn, draft);
  },
});

export const reply = tool({
  name: "reply",
  description: "Reply to a message, in its thread. To a delegation's request it is the answer.",
  input: z.strictObject({ id, text: words, urgent: z.boolean().default(false), key }),
  output: z.object({ id: z.int(), matched: z.int(), note: z.string().optional() }),
  async run(areas, turn, { id, text, urgent, key }) {
    const { caller } = turn;
    const parent = JSON.parse(
      await areas.kernel.db.read((on) => areas.core.messages.readers.detail(on, caller, id)),
    ) as Message;
    const to = parent.from === caller.agentId ? parent.to : parent.from;
    const draft = check(MessageDraft, { to, body: text, replyTo: id, urgent, idempotencyKey: key }, "");
    return sent(areas, turn, draft);
  },
});

async function sent(areas: McpAreas, turn: Turn, draft: ParsedDraft) {
  const asks = await askFirst(areas, turn, draft);
  if (asks) return { text: WAITING, facts: { id: 0, matched: 0 }, asks };
  const done = await areas.kernel.db.write((tx) => areas.core.messages.send(tx, turn.caller, draft));
  // Tools give no later time: it waits for a person.
  if (done.kind === "scheduled") {
    const note = "A person has to allow the start of its agent first. Your inbox says what came of it.";
    return { text: `Not sent yet: ${note}`, facts: { id: 0, matched: 0, note } };
  }
  const { entry, matched, replayed } = done;
  const note = [replayed ? "sent before with this key" : "", reachNote(areas, entry.target, matched)]
    .filter(Boolean)
    .join("; ");
  const text = `Sent as ${entry.id} to ${matched}${note ? `; ${note}` : ""}.`;
  return { text, facts: { id: entry.id, matched, ...(note ? { note } : {}) } };
}

/** Warning to a sender before it waits: the recipient may be offline or read late. */
function reachNote({ identity }: McpAreas, target: string, matched: number): string {
  if (isGroup(target)) return matched === 0 ? "nobody belongs to that group now" : "";
  const agent = identity.roster.get(target);
  if (!agent || agent.kind === "user" || agent.kind === "system") return "";
  if (agent.status === "offline") return `${agent.id} is offline; it is kept for it`;
  return agent.reach === "asked" ? `${agent.id} reads only when it looks` : "";
}
