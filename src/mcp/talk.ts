import { z } from "zod";
import { isGroup } from "../agents/target.ts";
import { type Digest, digest } from "../envelope/digest.ts";
import type { Letter } from "../envelope/envelope.ts";
import { harmlessLine } from "../envelope/harmless.ts";
import { tokensOf } from "../envelope/tokens.ts";
import { check } from "../http/body.ts";
import type { Looked } from "../inbox/look.ts";
import { type Message, MessageDraft } from "../messages/schema.ts";
import { Problem } from "../problem.ts";
import { type Desk, envelopesFor, letterOf, type Turn, whileTelling } from "./desk.ts";
import { budget, id, LOOKS_ONLY, tool, wait } from "./tool.ts";

/** A message to more members than this is asked about first. */
const MANY = 10;
const PAGE = 256;
/** How much of a long backlog is looked at for urgent ones. */
const MAX_PAGES = 4;
const MAX_BYTES = 4 * 1024 * 1024;
/** Of a budget: what stands around the text when it goes out as JSON. */
const SHARE = 0.85;
const AROUND = 60;
/** Tokens of a line that says what is owed. */
const OWED_LINE = 40;

const words = z.string().describe("Text.");
const key = z.string().optional().describe("Same key, same message: safe to repeat.");

export const who = tool({
  name: "who",
  description:
    "Who is on the relay: agents, people, channels. Targets of send: an id, tag:x, cap:x, label:x, broadcast.",
  input: z.strictObject({
    tag: z.string().optional(),
    cap: z.string().optional(),
    all: z.boolean().default(false).describe("Offline ones, too."),
    budget: budget(1000),
  }),
  output: z.object({ text: z.string(), shown: z.int(), more: z.boolean() }),
  hints: LOOKS_ONLY,
  async run(desk, turn, { tag, cap, all, budget: tokens }) {
    const filter = { tag, capability: cap };
    const list = await desk.agents.list(turn.caller, filter, undefined, 500);
    const there = list.items.filter((agent) => agent.id !== "system" && (all || agent.status !== "offline"));
    const lines: string[] = [];
    let left = tokens * SHARE - AROUND;
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
    const text = envelopesFor(desk, turn).quote(
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
    key,
  }),
  output: z.object({ id: z.int(), matched: z.int(), note: z.string().optional() }),
  async run(desk, turn, { to, text, subject, work, urgent, key }) {
    const draft = check(
      MessageDraft,
      { to, body: text, subject, claimable: work, urgent, idempotencyKey: key },
      "",
    ) as z.output<typeof MessageDraft>;
    const asks = isGroup(to) ? await askFirst(desk, turn, draft) : undefined;
    if (asks) return { text: "Waiting for approval.", facts: { id: 0, matched: 0 }, asks };
    return sent(desk, turn, draft);
  },
});

export const reply = tool({
  name: "reply",
  description: "Reply to a message, in its thread. To a delegation's request it is the answer.",
  input: z.strictObject({ id, text: words, urgent: z.boolean().default(false), key }),
  output: z.object({ id: z.int(), matched: z.int(), note: z.string().optional() }),
  async run(desk, turn, { id, text, urgent, key }) {
    const { caller } = turn;
    const parent = JSON.parse(await desk.db.read((on) => desk.readers.detail(on, caller, id))) as Message;
    const to = parent.from === caller.agentId ? parent.to : parent.from;
    const draft = check(MessageDraft, { to, body: text, replyTo: id, urgent, idempotencyKey: key }, "");
    return sent(desk, turn, draft as z.output<typeof MessageDraft>);
  },
});

export const inbox = tool({
  name: "inbox",
  description:
    "Your unread messages: urgent first, then oldest; what does not fit is folded by thread. Reading acknowledges nothing: pass ack when dealt with.",
  input: z.strictObject({
    ack: z.int().min(0).optional().describe("First acknowledge all up to this id."),
    wait,
    budget: budget(2000),
  }),
  output: z.object({
    text: z.string(),
    unread: z.int(),
    shown: z.array(z.int()),
    folded: z.int(),
    leftOut: z.int(),
    ack: z.int().optional(),
    work: z.boolean(),
  }),
  async run(desk, turn, { ack, wait, budget: tokens }) {
    const { caller, signal } = turn;
    const { agentId } = caller;
    if (ack !== undefined) await desk.db.write((tx) => desk.inbox.ack(tx, caller, agentId, ack));
    const look = () => desk.db.read((on) => desk.looks.at(on, caller, agentId, undefined, PAGE));
    const first = await whileTelling(desk, turn, wait, () =>
      wait === 0
        ? look()
        : desk.waits.forEntries<Looked>({
            ...{ caller, agentId, signal, look },
            targets: () => desk.db.read((on) => desk.looks.targets(on, caller, agentId)),
            waitMs: wait * 1000,
            found: (looked) => looked.found,
          }),
    );
    return told(desk, turn, first, tokens);
  },
});

/** The inbox as it is now, within a budget: what the tool answers, and what the resource holds. */
export async function readInbox(desk: Desk, turn: Turn, tokens: number) {
  const { caller } = turn;
  return told(
    desk,
    turn,
    await desk.db.read((on) => desk.looks.at(on, caller, caller.agentId, undefined, PAGE)),
    tokens,
  );
}

async function told(desk: Desk, turn: Turn, first: Looked, tokens: number) {
  const { caller } = turn;
  const looked = [first];
  let bytes = sizeOf(first);
  for (let last = first; last.page.more && looked.length < MAX_PAGES && bytes < MAX_BYTES; ) {
    const { next } = last;
    last = await desk.db.read((on) => desk.looks.at(on, caller, caller.agentId, next, PAGE));
    bytes += sizeOf(last);
    looked.push(last);
  }
  const letters = looked.flatMap(({ page, states }) =>
    page.entries.map((entry) => letterOf(entry, states.get(entry.id))),
  );
  const more = looked.at(-1)?.page.more ?? false;
  const lost = first.page.reset ? ` ${first.page.reset.lost} were deleted unread by retention.` : "";
  const urgent = letters.filter((letter) => letter.urgent).length;
  const head =
    `${letters.length}${more ? "+" : ""} unread${urgent ? `, ${urgent} urgent` : ""}.` +
    `${first.open ? " There is work: claim." : ""}${lost}`;
  const owed = await owedLines(desk, turn, letters, tokens * 0.2);
  const room = tokens * SHARE - AROUND - tokensOf(owed);
  const arranged = digest(letters, envelopesFor(desk, turn), room);
  noteOffered(desk, turn, first.after, arranged);
  const next = arranged.ack === null ? "" : `When dealt with: inbox {"ack":${arranged.ack}}`;
  const text = [head, arranged.text, owed, next].filter(Boolean).join("\n");
  return {
    text,
    facts: {
      text,
      unread: letters.length,
      shown: arranged.shown,
      folded: arranged.folded.reduce((sum, thread) => sum + thread.messages, 0),
      leftOut: arranged.leftOut,
      ...(arranged.ack === null ? {} : { ack: arranged.ack }),
      work: first.open,
    },
  };
}

/** What was shown, and no more: what was folded or left out has not reached the model. */
function noteOffered({ looks }: Desk, { caller }: Turn, after: number, { shown, ack }: Digest): void {
  const note = (after: number, upTo: number, entries: number) =>
    looks.offered(caller, caller.agentId, { after, upTo, entries, by: "mcp" });
  const upTo = ack ?? after;
  if (upTo > after) note(after, upTo, shown.filter((id) => id <= upTo).length);
  for (const id of shown) if (id > upTo) note(id - 1, id, 1);
}

const sizeOf = ({ page }: Looked): number => page.entries.reduce((sum, entry) => sum + entry.json.length, 0);

/** Which of the requests owe an answer: asked of the relay, never of what the message says of itself. */
async function owedLines(desk: Desk, { caller }: Turn, letters: readonly Letter[], tokens: number): Promise<string> {
  const requests = new Set(letters.filter(({ kind }) => kind === "request").map(({ id }) => id));
  if (requests.size === 0) return "";
  const open = await desk.db.read((on) => desk.delegations.list(on, caller, { to: caller.agentId }, undefined, 50));
  const lines = open.items
    .filter((delegation) => delegation.endedAt === null && requests.has(delegation.messageId))
    .map(
      ({ messageId, id, deadlineAt }) =>
        `${messageId} owes an answer by ${deadlineAt.slice(11, 19)}: answer {"delegation":"${id}"}`,
    );
  const kept = lines.slice(0, Math.max(1, Math.floor(tokens / OWED_LINE)));
  const more = lines.length - kept.length;
  return [...kept, ...(more > 0 ? [`and ${more} more that owe answers: brief`] : [])].join("\n");
}

async function sent(desk: Desk, turn: Turn, draft: z.output<typeof MessageDraft>) {
  const done = await desk.db.write((tx) => desk.sender.send(tx, turn.caller, draft));
  // Only a deliverAt makes a schedule, and tools give none.
  if (done.kind === "scheduled") throw new Error("a tool scheduled a message");
  const { entry, matched, replayed } = done;
  const note = [replayed ? "sent before with this key" : "", reachNote(desk, entry.target, matched)]
    .filter(Boolean)
    .join("; ");
  const text = `Sent as ${entry.id} to ${matched}${note ? `; ${note}` : ""}.`;
  return { text, facts: { id: entry.id, matched, ...(note ? { note } : {}) } };
}

/** What a sender has to know before it waits: whoever it wrote to may not be there, or may not be reached. */
function reachNote({ roster }: Desk, target: string, matched: number): string {
  if (isGroup(target)) return matched === 0 ? "nobody belongs to that group now" : "";
  const agent = roster.get(target);
  if (!agent || agent.kind === "user" || agent.kind === "system") return "";
  if (agent.status === "offline") return `${agent.id} is offline; it is kept for it`;
  return agent.reach === "asked" ? `${agent.id} reads only when it looks` : "";
}

/** A message to many is a person's decision: the one place where a tool asks. @returns the question, if it is still to be answered. */
async function askFirst(desk: Desk, turn: Turn, draft: z.output<typeof MessageDraft>): Promise<string | undefined> {
  const author = { id: turn.caller.agentId, kind: "provider" as const, via: null };
  const { matched } = await desk.db.read((on) => desk.sender.address(on, author, draft));
  if (matched <= MANY) return undefined;
  const question = `Send this to ${matched} agents (${harmlessLine(draft.to, 80)})? ${harmlessLine(draft.body, 200)}`;
  const answer = turn.approval(question);
  if (answer === "approved") return undefined;
  if (answer === "ask") return question;
  if (answer === "declined") throw new Problem("forbidden", "Not sent: a person declined it.");
  throw new Problem(
    "forbidden",
    `Not sent: ${matched} would get it, and for more than ${MANY} a person has to approve, whom this client cannot ask. Write to fewer.`,
  );
}
