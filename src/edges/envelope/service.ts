import type { z } from "zod";
import type { Areas } from "../../core/core.ts";
import { ackOf, BACKLOG_PAGE, backlogFrom, noteShown } from "../../core/inbox/backlog.ts";
import type { WorkItem } from "../../core/work/items.ts";
import type { Delegations } from "../../features/delegations/delegations.ts";
import { actingAs, type Caller } from "../../identity/auth/caller.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Delegation } from "../../protocol/delegations.ts";
import type { Digest, DigestQuery } from "../../protocol/digest.ts";
import { toTime } from "../../protocol/wire.ts";
import { digest } from "./digest.ts";
import { envelopesOf } from "./envelope.ts";
import { letterOf } from "./letters.ts";
import { tokensOf } from "./tokens.ts";

/** Delegations that are searched for open ones. */
const LISTED = 50;
/** Most items of a kind that the head names. */
const NAMED = 5;

export type DigestService = ReturnType<typeof createDigestService>;

/** An agent's unread messages and duties as one text, which its harness hands to its model. */
export function createDigestService({ kernel, identity, core, delegations }: Areas & { delegations: Delegations }) {
  const { db } = kernel;
  const { parents } = core.messages;
  const { claims } = core.work;
  const { polls } = core.inbox;

  async function backlog(caller: Caller, agentId: string, after: number | undefined) {
    const at = (from: number | undefined) => db.read((on) => polls.at(on, caller, agentId, from, BACKLOG_PAGE));
    return backlogFrom(await at(after), at);
  }

  async function owedBy(on: ReadTx, caller: Caller, agentId: string) {
    const asked = await delegations.service.list(on, caller, { to: agentId, limit: LISTED });
    return asked.items.filter(({ endedAt, from }) => endedAt === null && from !== agentId);
  }

  return {
    /** `GET /v1/agents/{id}/inbox/digest`. Moves nothing. @throws Problem 403, 404, 409, 410, 422 */
    async read(
      caller: Caller,
      agentId: string,
      { budget, after, include }: z.output<typeof DigestQuery>,
    ): Promise<Digest> {
      actingAs(caller, agentId);
      // Each of these may be 4 MiB of text: the event loop goes on in between.
      const pause = createPauses();
      const waiting = await backlog(caller, agentId, after);
      await pause();
      const held = await db.read((on) => claims.held(on, caller, agentId));
      await pause();
      const owed = await db.read((on) => owedBy(on, caller, agentId));
      await pause();
      const { first, unread, more } = waiting;
      const entries = include ? unread.map(({ entry }) => entry) : [];
      const replied = await db.read((on) => parents.forModel(on, agentId, entries));
      const letters = unread.map(({ entry, work }) => letterOf(entry, work, replied.of(entry.id)));
      const urgent = letters.filter((letter) => letter.urgent).length;
      const head = [
        `You are ${agentId} on this relay. ${letters.length}${more ? "+" : ""} unread${urgent ? `, ${urgent} urgent` : ""}.` +
          (first.open ? " There is work: claim." : ""),
        ...(first.page.reset ? [`${first.page.reset.lost} were deleted unread by retention.`] : []),
        ...heldLines(held),
        ...owedLines(owed),
      ].join("\n");
      const envelopes = envelopesOf({ kernel, identity }, agentId);
      const { text, shown, folded, leftOut } = digest(letters, envelopes, budget - tokensOf(head) - 2);
      const ack = ackOf(waiting, shown);
      noteShown(polls, caller, agentId, waiting, { shown, ack }, "digest");
      await db.read((on) => replied.noteShown(on, caller, shown));
      return {
        ...{ agentId, unread: letters.length, urgent, more, shown, leftOut, ack, cursor: first.cursor },
        newest: letters.at(-1)?.id ?? null,
        text: [head, text].filter(Boolean).join("\n"),
        head,
        folded: folded.reduce((sum, thread) => sum + thread.messages, 0),
        ...{ open: first.open, held: held.length, owed: owed.length },
      };
    },
  };
}

const timeOf = (time: string): string => `${time.slice(0, 19)}Z`;

function heldLines(held: readonly WorkItem[]): string[] {
  const named = held
    .slice(0, NAMED)
    .map(({ entry, lease }) => `${entry.id}${lease ? ` until ${timeOf(toTime(lease.expiresAt))}` : ""}`);
  return held.length
    ? [`You hold ${held.length}: ${named.join(", ")}${held.length > NAMED ? ", ..." : ""}. End each: finish.`]
    : [];
}

/** Omits the asker's id, which others chose: hooks hand the head to a model above its user. */
function owedLines(owed: readonly Delegation[]): string[] {
  return owed
    .slice(0, NAMED)
    .map(
      ({ id, messageId, deadlineAt }) =>
        `Message ${messageId} owes an answer by ${timeOf(deadlineAt)}: answer {"delegation":"${id}"}`,
    );
}
