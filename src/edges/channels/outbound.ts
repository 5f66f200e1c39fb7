import type { Areas } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import type { Report } from "../../core/work/holders.ts";
import type { WorkRow } from "../../core/work/row.ts";
import { isGroup } from "../../identity/agents/target.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { PostedParts, PostNote } from "../../protocol/channels.ts";
import type { Fact } from "../../protocol/explain.ts";
import { Conversation, type OutboundPayload } from "../../protocol/posts.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime } from "../../protocol/wire.ts";
import type { Moves } from "./moves.ts";
import { placeOf } from "./place.ts";
import type { PostRow } from "./store-traffic.ts";
import type { Stores } from "./stores.ts";

/** States in which a post is over. */
export const FINAL = new Set(["done", "dead", "expired", "cancelled"]);

/** Only a channel agent's id has a colon and is no group. */
export const mayBePost = (target: string): boolean => target.includes(":") && !isGroup(target);

type Posts = PostedParts & Record<string, unknown>;

/** Outgoing posts: a message to a channel agent is work for its adapter, one at a time in each conversation. */
export function createOutbound({ kernel, core }: Areas, { store, traffic }: Stores, moves: Moves) {
  const { clock, hooks } = kernel;
  const { holders, leases, rows: works } = core.work;
  const { rows: messages } = core.messages;
  /** A post ended: posted, or given up. */
  const ended = hooks.event<[channelId: string, state: string]>("channels.ended");

  /** Work is held while an earlier post of its conversation has not ended. */
  function isHeld(on: ReadTx, row: MessageRow): Promise<true | undefined> | undefined {
    return mayBePost(row.target) ? isBehind(on, row) : undefined;
  }

  async function isBehind(on: ReadTx, row: MessageRow): Promise<true | undefined> {
    const place = await postedTo(on, row);
    return place && (await traffic.head(on, place)) !== undefined ? true : undefined;
  }

  /** Queues a post of its conversation; it is opened when the one before it has ended. */
  function enqueue(tx: Tx, row: MessageRow, work: WorkRow | undefined): Promise<void> | undefined {
    return work && mayBePost(row.target) ? enqueuePost(tx, row) : undefined;
  }

  async function enqueuePost(tx: Tx, row: MessageRow): Promise<void> {
    const place = await postedTo(tx, row);
    if (place) await traffic.addPost(tx, { ...place, messageId: row.id, ended: false });
  }

  /** The conversation that a message is posted to; undefined when it is no post. */
  async function postedTo(on: ReadTx, row: MessageRow) {
    if (row.payload === null) return undefined;
    const payload: Record<string, unknown> = JSON.parse(row.payload);
    if (typeof payload.idempotencyKey !== "string" || !(await store.byId(on, row.target))) return undefined;
    return moves.placeNow(on, placeOf(row.target, Conversation.safeParse(payload.conversation).data ?? {}));
  }

  /** Opens the next post of a conversation when one ends, and restarts a post that an operator has requeued. */
  function followWork(tx: Tx, work: WorkRow, was: WorkRow): Promise<void> | undefined {
    return mayBePost(work.target) ? followPost(tx, work, was) : undefined;
  }

  async function followPost(tx: Tx, work: WorkRow, was: WorkRow): Promise<void> {
    const post = await traffic.post(tx, work.messageId);
    if (!post) return;
    if (FINAL.has(work.state)) {
      if (post.ended) return;
      const isHead = (await traffic.head(tx, post)) === work.messageId;
      await traffic.setEnded(tx, work.messageId, true);
      await ended.raise(tx, post.channelId, work.state);
      // All posts of a deleted channel end, so no next one opens.
      const isThere = isHead && (await store.byId(tx, post.channelId)) !== undefined;
      const next = isThere ? await traffic.head(tx, post) : undefined;
      if (next !== undefined) await openHeld(tx, next);
    } else if (FINAL.has(was.state)) await beginAnew(tx, post);
  }

  /** Restarts a post by an operator's decision. */
  async function beginAnew(tx: Tx, { messageId, channelId, conversationId }: PostRow): Promise<void> {
    await traffic.setEnded(tx, messageId, false);
    await moves.carryPost(tx, messageId, await moves.now(tx, channelId, conversationId));
    await traffic.dropBegun(tx, messageId);
  }

  async function openHeld(tx: Tx, id: number): Promise<void> {
    const work = await works.byId(tx, id);
    const isHeld = work?.state === "delayed" && work.dueAt === work.expiresAt;
    if (isHeld) await leases.reopen(tx, work);
  }

  /** Notes the external ids that an adapter names as it ends its claim. @throws Problem 422 for work of no channel */
  function report(tx: Tx, work: WorkRow, said: Report): Promise<void> | undefined {
    const namesIds = "done" in said && said.done.externalIds !== undefined;
    return namesIds || mayBePost(work.target) ? notePost(tx, work, said) : undefined;
  }

  async function notePost(tx: Tx, work: WorkRow, said: Report): Promise<void> {
    const post = mayBePost(work.target) ? await traffic.post(tx, work.messageId) : undefined;
    if ("failed" in said) {
      if (post && said.failed.failure === "transient") await traffic.dropBegun(tx, work.messageId);
      return;
    }
    const { externalIds } = said.done;
    if (externalIds && !post)
      throw Problem.invalid("/externalIds", "belongs to posts of a channel, and this work is none");
    for (const [part, externalId] of (externalIds ?? []).entries())
      if (post) await notePart(tx, post.channelId, work.messageId, { part, externalId });
  }

  const notePart = (
    tx: Tx,
    channelId: string,
    messageId: number,
    { part, externalId = null, mark = null }: { part: number; externalId?: string | null; mark?: string | null },
  ) => traffic.putPart(tx, { messageId, channelId, part, externalId, mark, at: clock.now() });

  /** The parts posted so far, as a member of answers about the work. */
  function postsOfWork(on: ReadTx, { target, messageId }: WorkRow): Promise<Posts | undefined> | undefined {
    return mayBePost(target) ? postsWithEdits(on, messageId) : undefined;
  }

  async function postsWithEdits(on: ReadTx, messageId: number): Promise<Posts | undefined> {
    const posts = await postsOf(on, messageId);
    const edits = posts && (await editedBy(on, messageId));
    return edits ? { ...posts, edits } : posts;
  }

  /** External ids of the post that a message changes. */
  async function editedBy(on: ReadTx, messageId: number): Promise<string[] | undefined> {
    const payload = (await messages.byId(on, messageId))?.payload;
    const { edit } = payload?.includes('"edit":') ? (JSON.parse(payload) as OutboundPayload) : {};
    if (!edit) return undefined;
    return (await traffic.parts(on, edit.messageId)).flatMap(({ externalId }) => externalId ?? []);
  }

  /** Facts about a message: its binding, the post it waits for, and its parts. */
  async function facts(on: ReadTx, row: MessageRow): Promise<Fact[]> {
    const at = toTime(row.createdAt);
    const routed = row.route === null ? [] : [{ at, step: "routed" as const, ...JSON.parse(row.route) }];
    const parts = await traffic.parts(on, row.id);
    const posted = parts.map(({ part, externalId, at: when }) => ({
      ...{ at: toTime(when), step: "posted" as const, part, externalId },
    }));
    const ahead = await aheadOf(on, row.id);
    const waiting = ahead === undefined ? [] : [{ at, step: "waiting" as const, behind: ahead }];
    return [...routed, ...waiting, ...posted];
  }

  /** The message of the same conversation that has to end before this one is handed out. */
  async function aheadOf(on: ReadTx, id: number): Promise<number | undefined> {
    const post = await traffic.post(on, id);
    const head = post && !post.ended ? await traffic.head(on, post) : undefined;
    return head === id ? undefined : head;
  }

  async function postsOf(on: ReadTx, id: number): Promise<Posts | undefined> {
    if (!(await traffic.post(on, id))) return undefined;
    const rows = await traffic.parts(on, id);
    return { posts: rows.map(({ part, externalId, mark }) => ({ part, externalId, ...(mark !== null && { mark }) })) };
  }

  return {
    isHeld,
    enqueue,
    followWork,
    report,
    postsOfWork,
    facts,
    ended,
    /** `POST /v1/messages/{id}/posts`. @throws Problem 403, 404, 409 claim-lost, 422 */
    async note(tx: Tx, caller: Caller, id: number, note: Required<Pick<PostNote, "part">> & PostNote) {
      await holders.requireLease(tx, caller, id, note.token);
      const post = await traffic.post(tx, id);
      if (!post) throw Problem.invalid("id", "is no post of a channel");
      await notePart(tx, post.channelId, id, note);
      return (await postsOf(tx, id)) ?? { posts: [] };
    },
  };
}
