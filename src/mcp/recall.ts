import { z } from "zod";
import { type Envelopes, type Letter, PREFACE, targetOf } from "../envelope/envelope.ts";
import { harmlessLine } from "../envelope/harmless.ts";
import { letterOf, lettersIn } from "../envelope/letters.ts";
import { tokensOf } from "../envelope/tokens.ts";
import type { Message } from "../messages/schema.ts";
import { toTime } from "../wire.ts";
import { type Desk, envelopesFor, openDelegations, type Turn } from "./desk.ts";
import { backlogOf } from "./inbox.ts";
import { budget, id, LOOKS_ONLY, tool } from "./tool.ts";

const SHARE = 0.85;
const AROUND = 120;

export const history = tool({
  name: "history",
  description:
    "Read again: one message whole, a thread, or what was said with somebody or has these words. Newest last.",
  input: z.strictObject({
    message: id.optional(),
    offset: z.int().min(0).default(0).describe("Of a long message."),
    thread: id.optional(),
    with: z.string().optional().describe("Agent id."),
    search: z.string().optional(),
    before: id.optional().describe("Older than this id."),
    budget: budget(3000),
  }),
  output: z.object({ text: z.string(), before: z.int().optional(), offset: z.int().optional() }),
  hints: LOOKS_ONLY,
  async run(desk, turn, { message, offset, thread, with: agent, search, before, budget: tokens }) {
    const room = tokens * SHARE - AROUND;
    const envelopes = envelopesFor(desk, turn);
    if (message !== undefined) {
      const json = await desk.db.read((on) => desk.readers.detail(on, turn.caller, message));
      const whole = envelopes.message(JSON.parse(json) as Message, { tokens: room, offset, withPayload: true });
      const text = `${PREFACE}\n${whole.text}`;
      return { text, facts: { text, ...(whole.next === undefined ? {} : { offset: whole.next }) } };
    }
    const wish = { thread, agent, q: search, before, level: 1, limit: 50 };
    const hits = await desk.history.hits(turn.caller, wish);
    const { items, next } = await desk.db.read((on) => desk.history.page(on, turn.caller, wish, hits));
    const letters = await lettersIn(items);
    const newest = newestWithin(letters, envelopes, room);
    const oldest = newest.cut ?? next;
    const more = oldest === null ? "" : `Older: history {"before":${oldest}} with the same filter.`;
    const text = newest.parts.length ? [PREFACE, ...newest.parts, more].filter(Boolean).join("\n") : "Nothing found.";
    return { text, facts: { text, ...(oldest === null ? {} : { before: oldest }) } };
  },
});

/** As many of the newest as there is room for, oldest of them first; `cut` is the oldest that was shown of more. */
function newestWithin(letters: readonly Letter[], envelopes: Envelopes, tokens: number) {
  const parts: string[] = [];
  let left = tokens;
  let cut: number | null = null;
  for (const letter of letters.toReversed()) {
    const share = parts.length === 0 ? left : Math.min(left, Math.max(100, left / 2));
    if (share < 60) {
      cut ??= letters[letters.length - parts.length]?.id ?? null;
      break;
    }
    const { text } = envelopes.message(letter, { tokens: share });
    left -= tokensOf(text) + 1;
    parts.unshift(text);
  }
  return { parts, cut };
}

export const brief = tool({
  name: "brief",
  description:
    "Where you stand: who you are, what you hold, what you owe and wait for, unread, last results. For the start and after a compaction.",
  input: z.strictObject({ budget: budget(1200) }),
  output: z.object({
    text: z.string(),
    unread: z.int(),
    held: z.int(),
    owed: z.int(),
    awaited: z.int(),
    work: z.boolean(),
  }),
  hints: LOOKS_ONLY,
  async run(desk, turn, { budget: tokens }) {
    const { caller } = turn;
    const me = caller.agentId;
    const standing = await desk.db.read(async (on) => ({
      held: await desk.claims.held(on, caller, me),
      owed: await openDelegations(desk, on, caller, { to: me }),
      awaited: await openDelegations(desk, on, caller, { from: me }),
      recent: await desk.history.page(on, caller, { agent: me, level: 1, limit: 50 }),
    }));
    const { held, owed, awaited } = standing;
    const waiting = await backlogOf(desk, turn);
    const { open } = waiting.first;
    const urgent = waiting.unread.filter(({ entry }) => letterOf(entry).urgent).length;
    const unread = waiting.unread.length;
    const until = (at: string) => `${at.slice(0, 19)}Z`;
    const lines = [
      ...(await aboutMe(desk, turn)),
      `Unread: ${unread}${waiting.more ? "+" : ""}${urgent ? `, ${urgent} urgent` : ""}. Work to claim: ${open ? "yes" : "no"}.`,
      ...listed("You hold", held, (each) =>
        each.lease
          ? `${each.entry.id} from ${each.entry.from} until ${until(toTime(each.lease.expiresAt))}: finish {"id":${each.entry.id},"token":"${each.lease.token}"}`
          : `${each.entry.id}`,
      ),
      ...listed(
        "You owe answers",
        owed,
        (each) => `${each.id} to ${each.from}, message ${each.messageId}, by ${until(each.deadlineAt)}`,
      ),
      ...listed(
        "You wait for",
        awaited,
        (each) => `${each.id} from ${targetOf(each.to)}, ${each.status}, until ${until(each.deadlineAt)}`,
      ),
    ];
    const kept = withinLines(lines, tokens * 0.6);
    const results = (await lettersIn(standing.recent.items))
      .filter((letter) => letter.kind === "response" && letter.to === me)
      .slice(-3);
    const shown = newestWithin(results, envelopesFor(desk, turn), tokens * SHARE - AROUND - tokensOf(kept) - 40);
    const text = [kept, ...(shown.parts.length ? ["Last results:", PREFACE, ...shown.parts] : [])].join("\n");
    return {
      text,
      facts: { text, unread, held: held.length, owed: owed.length, awaited: awaited.length, work: open },
    };
  },
});

async function aboutMe(desk: Desk, { caller }: Turn): Promise<string[]> {
  const { id, status, reach, ready } = await desk.agents.get(caller, caller.agentId);
  return [`You are ${id}: ${status}, reach ${reach}${ready ? "" : ", takes no work"}.`];
}

function listed<T>(about: string, items: readonly T[], line: (item: T) => string): string[] {
  if (items.length === 0) return [`${about}: nothing.`];
  return [`${about}: ${items.length}`, ...items.slice(0, 10).map((item) => `- ${harmlessLine(line(item), 240)}`)];
}

function withinLines(lines: readonly string[], tokens: number): string {
  const kept: string[] = [];
  let left = tokens;
  for (const [index, line] of lines.entries()) {
    if (tokensOf(line) + 8 > left) return [...kept, `(${lines.length - index} lines more)`].join("\n");
    left -= tokensOf(line) + 1;
    kept.push(line);
  }
  return kept.join("\n");
}
