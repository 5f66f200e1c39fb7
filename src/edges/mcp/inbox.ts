import { z } from "zod";
import { ackOf, BACKLOG_PAGE, type Backlog, backlogFrom, noteShown } from "../../core/inbox/backlog.ts";
import type { LogEntry } from "../../core/messages/entry.ts";
import { digest } from "../envelope/digest.ts";
import type { Letter } from "../envelope/envelope.ts";
import { letterOf } from "../envelope/letters.ts";
import { tokensOf } from "../envelope/tokens.ts";
import { envelopesFor, type McpAreas, openDelegations, type Turn, withProgress } from "./services.ts";
import { budget, roomIn, tool, wait } from "./tool.ts";

/** Tokens of a line about a request that owes an answer. */
const OWED_LINE = 40;

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
  async run(areas, turn, { ack, wait, budget: tokens }) {
    const { caller, signal } = turn;
    const { agentId } = caller;
    if (ack !== undefined && acknowledges(turn))
      await areas.kernel.db.write((tx) => areas.core.inbox.inbox.ack(tx, caller, agentId, ack));
    const look = () => backlogOf(areas, turn);
    const waiting = await withProgress(areas, turn, wait, () =>
      wait === 0
        ? look()
        : areas.core.inbox.waits.forEntries<Backlog>({
            ...{ caller, agentId, signal, look },
            targets: () => areas.kernel.db.read((on) => areas.core.inbox.polls.targets(on, caller, agentId)),
            waitMs: wait * 1000,
            found: ({ first, unread, more }) => unread.length > 0 || more || first.page.reset !== undefined,
          }),
    );
    return inboxText(areas, turn, waiting, tokens);
  },
});

/** False for one session of a managed agent: its orchestrator acknowledges what has reached a turn. */
const acknowledges = ({ caller }: Turn): boolean => caller.sessionId == null;

/** The inbox as text within a budget: the tool's answer, and the resource's content. */
export async function readInbox(areas: McpAreas, turn: Turn, tokens: number) {
  return inboxText(areas, turn, await backlogOf(areas, turn), tokens);
}

/** Unread entries of the caller, without settled ones. */
export async function backlogOf(areas: McpAreas, { caller }: Turn): Promise<Backlog> {
  const at = (after: number | undefined) =>
    areas.kernel.db.read((on) => areas.core.inbox.polls.at(on, caller, caller.agentId, after, BACKLOG_PAGE));
  return backlogFrom(await at(undefined), at);
}

async function inboxText(areas: McpAreas, turn: Turn, waiting: Backlog, tokens: number) {
  const { caller } = turn;
  const { first, unread, more } = waiting;
  const parents = await areas.kernel.db.read((on) =>
    areas.core.messages.parents.forModel(
      on,
      caller.agentId,
      unread.map(({ entry }) => entry),
    ),
  );
  const letters = unread.map(({ entry, work }) => letterOf(entry, work, parents.of(entry.id)));
  const lost = first.page.reset ? ` ${first.page.reset.lost} were deleted unread by retention.` : "";
  const urgent = letters.filter((letter) => letter.urgent).length;
  const head =
    `${letters.length}${more ? "+" : ""} unread${urgent ? `, ${urgent} urgent` : ""}.` +
    `${first.open ? " There is work: claim." : ""}${lost}`;
  const owed = await owedLines(areas, turn, letters, tokens * 0.2);
  const room = roomIn(tokens, 60) - tokensOf(owed);
  const arranged = digest(letters, envelopesFor(areas, turn), room);
  const ack = ackOf(waiting, arranged.shown);
  noteShown(areas.core.inbox.polls, caller, caller.agentId, waiting, { shown: arranged.shown, ack }, "mcp");
  await areas.kernel.db.read((on) => parents.noteShown(on, caller, arranged.shown));
  await noteHanded(
    areas,
    turn,
    unread.map(({ entry }) => entry).filter(({ id }) => arranged.shown.includes(id)),
  );
  // With nothing unread there is nothing to deal with, unless settled entries stand before what may be.
  const next =
    ack === null || !acknowledges(turn) || (letters.length === 0 && !more)
      ? ""
      : `When dealt with: inbox {"ack":${ack}}`;
  const text = [head, arranged.text, owed, next].filter(Boolean).join("\n");
  return {
    text,
    facts: {
      text,
      unread: letters.length,
      shown: arranged.shown,
      folded: arranged.folded.reduce((sum, thread) => sum + thread.messages, 0),
      leftOut: arranged.leftOut,
      ...(next === "" || ack === null ? {} : { ack }),
      work: first.open,
    },
  };
}

/** Answers that a session is shown need no turn of their own. */
async function noteHanded({ kernel, delegations }: McpAreas, turn: Turn, shown: readonly LogEntry[]) {
  if (acknowledges(turn)) return;
  const answers = shown.flatMap(({ id, kind, replyTo }) =>
    kind === "response" && replyTo !== null ? [{ messageId: replyTo, answerId: id }] : [],
  );
  if (answers.length > 0) await kernel.db.write((tx) => delegations.service.hand(tx, turn.caller, answers));
}

/** Names requests that owe an answer, by the relay's own knowledge, never by the message's content. */
async function owedLines(
  areas: McpAreas,
  { caller }: Turn,
  letters: readonly Letter[],
  tokens: number,
): Promise<string> {
  const requests = new Set(letters.filter(({ kind }) => kind === "request").map(({ id }) => id));
  if (requests.size === 0) return "";
  const open = await areas.kernel.db.read((on) => openDelegations(areas, on, caller, { to: caller.agentId }));
  const lines = open
    .filter((delegation) => requests.has(delegation.messageId))
    .map(
      ({ messageId, id, deadlineAt }) =>
        `${messageId} owes an answer by ${deadlineAt.slice(11, 19)}: answer {"delegation":"${id}"}`,
    );
  const kept = lines.slice(0, Math.max(1, Math.floor(tokens / OWED_LINE)));
  const more = lines.length - kept.length;
  return [...kept, ...(more > 0 ? [`and ${more} more that owe answers: brief`] : [])].join("\n");
}
