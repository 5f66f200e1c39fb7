import { z } from "zod";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { harmlessLine } from "../../protocol/harmless.ts";
import type { Message } from "../../protocol/messages.ts";
import type { HistoryItem, Trace } from "../../protocol/traces.ts";
import { toTime } from "../../protocol/wire.ts";
import { type Envelopes, type Letter, PREFACE, targetOf } from "../envelope/envelope.ts";
import { letterOf, lettersIn } from "../envelope/letters.ts";
import { tokensOf } from "../envelope/tokens.ts";
import { backlogOf } from "./inbox.ts";
import { envelopesFor, type McpAreas, openDelegations, type Turn } from "./services.ts";
import { budget, id, READ_ONLY, roomIn, tool } from "./tool.ts";

const AROUND = 120;
/** Tokens of the line that says how many traces are left out. */
const REST_LINE = 24;

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
    sender: z.string().optional().describe("Agent id."),
    level: z.int().min(1).max(3).default(1).describe("2: also what agents thought, 3: also what they did."),
    trace: z.string().optional().describe("Only this type of trace, as tool_call."),
    before: id.optional().describe("Older than this id."),
    budget: budget(3000),
  }),
  output: z.object({ text: z.string(), before: z.int().optional(), offset: z.int().optional() }),
  hints: READ_ONLY,
  async run(
    areas,
    turn,
    { message, offset, thread, with: agent, search, sender, level: said, trace, before, budget: tokens },
  ) {
    // Naming a type of trace asks for traces.
    const level = trace !== undefined && said === 1 ? 3 : said;
    const room = roomIn(tokens, AROUND);
    const envelopes = envelopesFor(areas, turn);
    if (message !== undefined) {
      const json = await areas.kernel.db.read((on) => areas.core.messages.readers.detail(on, turn.caller, message));
      const letter = JSON.parse(json) as Message;
      const wish = { thread: letter.threadId, before: message + 1, level, traceType: trace, limit: 1 };
      const [item] =
        level === 1 ? [] : (await areas.kernel.db.read((on) => areas.traces.history.page(on, turn.caller, wish))).items;
      const traces = item === undefined ? [] : ((JSON.parse(item) as HistoryItem).traces ?? []);
      const share = traces.length ? room / 2 : room;
      const whole = envelopes.message(letter, { tokens: share, offset, withPayload: true });
      const about = tracesText(traces, envelopes, room - tokensOf(whole.text) - 1);
      const text = [PREFACE, whole.text, ...about].join("\n");
      return { text, facts: { text, ...(whole.next === undefined ? {} : { offset: whole.next }) } };
    }
    const wish = { thread, agent, sender, q: search, before, level, traceType: trace, limit: 50 };
    const hits = await areas.traces.history.hits(turn.caller, wish);
    const { items, next } = await areas.kernel.db.read((on) => areas.traces.history.page(on, turn.caller, wish, hits));
    const letters = (await lettersIn(items)) as HistoryLetter[];
    const newest = newestWithin(letters, envelopes, room);
    const seen = letters.slice(letters.length - newest.parts.length);
    await areas.kernel.db.read((on) =>
      areas.core.inbox.deliveries.noteSeen(
        on,
        turn.caller,
        seen.map(({ id, from, to: target }) => ({ id, from, target })),
      ),
    );
    const oldest = newest.cut ?? next;
    const more = oldest === null ? "" : `Older: history {"before":${oldest}} with the same filter.`;
    const text = newest.parts.length ? [PREFACE, ...newest.parts, more].filter(Boolean).join("\n") : "Nothing found.";
    return { text, facts: { text, ...(oldest === null ? {} : { before: oldest }) } };
  },
});

type HistoryLetter = Letter & Pick<HistoryItem, "traces">;

/** Traces of a message, oldest first, as many as fit; then the number of those left out. */
function tracesText(traces: readonly Trace[], envelopes: Envelopes, tokens: number): string[] {
  const shown: string[] = [];
  let left = tokens - REST_LINE;
  for (const [index, { messageId, number, agentId, level, type, content }] of traces.entries()) {
    const about = `trace ${number} of ${messageId} by ${agentId}; level ${level}`;
    const text = envelopes.quote(about, `${type}: ${content}`, Math.min(left, Math.max(80, left / 2)));
    if (left < 60 || tokensOf(text) + 1 > left)
      return [...shown, `${traces.length - index} more traces: history {"message":${messageId},"level":${level}}`];
    left -= tokensOf(text) + 1;
    shown.push(text);
  }
  return shown;
}

/** The newest letters that fit, oldest first; `cut` is the oldest of them when others are left out. */
function newestWithin(letters: readonly HistoryLetter[], envelopes: Envelopes, tokens: number) {
  const parts: string[] = [];
  let left = tokens;
  let cut: number | null = null;
  for (const letter of letters.toReversed()) {
    const share = parts.length === 0 ? left : Math.min(left, Math.max(100, left / 2));
    if (share < 60) {
      cut ??= letters[letters.length - parts.length]?.id ?? null;
      break;
    }
    const traces = letter.traces ?? [];
    const { text } = envelopes.message(letter, { tokens: traces.length ? share / 2 : share });
    const about = tracesText(traces, envelopes, share - tokensOf(text) - 1);
    const part = [text, ...about].join("\n");
    left -= tokensOf(part) + 1;
    parts.unshift(part);
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
  hints: READ_ONLY,
  async run(areas, turn, { budget: tokens }) {
    const { caller } = turn;
    const me = caller.agentId;
    // Each of these may be 4 MiB of text: the event loop goes on in between.
    const pause = createPauses();
    const read = async <T>(what: (on: ReadTx) => Promise<T>): Promise<T> => {
      await pause();
      return areas.kernel.db.read(what);
    };
    const held = await read((on) => areas.core.work.claims.held(on, caller, me));
    const owed = await read((on) => openDelegations(areas, on, caller, { to: me }));
    const awaited = await read((on) => openDelegations(areas, on, caller, { from: me }));
    const recent = await read((on) => areas.traces.history.page(on, caller, { agent: me, level: 1, limit: 50 }));
    await pause();
    const waiting = await backlogOf(areas, turn);
    const { open } = waiting.first;
    const urgent = waiting.unread.filter(({ entry }) => letterOf(entry).urgent).length;
    const unread = waiting.unread.length;
    const until = (at: string) => `${at.slice(0, 19)}Z`;
    const lines = [
      ...(await aboutMe(areas, turn)),
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
    const results = (await lettersIn(recent.items))
      .filter((letter) => letter.kind === "response" && letter.to === me)
      .slice(-3);
    const shown = newestWithin(results, envelopesFor(areas, turn), roomIn(tokens, AROUND) - tokensOf(kept) - 40);
    const text = [kept, ...(shown.parts.length ? ["Last results:", PREFACE, ...shown.parts] : [])].join("\n");
    return {
      text,
      facts: { text, unread, held: held.length, owed: owed.length, awaited: awaited.length, work: open },
    };
  },
});

async function aboutMe(areas: McpAreas, { caller }: Turn): Promise<string[]> {
  const { id, status, reach, ready } = await areas.kernel.db.read((on) =>
    areas.identity.agents.get(on, caller, caller.agentId),
  );
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
