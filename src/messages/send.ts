import type { AgentService } from "../agents/service.ts";
import type { AgentFacts, AgentStore } from "../agents/store.ts";
import type { MemberStore } from "../agents/store-members.ts";
import { formatTarget, isGroup, parseTarget, type Target } from "../agents/target.ts";
import { actingAs, type Caller } from "../auth/caller.ts";
import { createPauses } from "../breathe.ts";
import type { Clock } from "../clock.ts";
import type { Reading, Tx } from "../db/database.ts";
import type { Disk } from "../db/disk.ts";
import type { Due } from "../due/due.ts";
import type { Log } from "../log/log.ts";
import type { LogEntry } from "../log/tail.ts";
import { Problem } from "../problem.ts";
import { fromTime } from "../wire.ts";
import type { Access } from "./access.ts";
import { createCauses, type LoopGuard, ROOT, type Verdict } from "./causes.ts";
import { toLogEntry } from "./entry.ts";
import type { Links } from "./links.ts";
import type { ParkedClaimers } from "./parked.ts";
import type { Quotas } from "./quotas.ts";
import { requirePlain } from "./reserved.ts";
import type { Schedules } from "./scheduled.ts";
import type { MessageSource, ParsedDraft, Route } from "./schema.ts";
import type { MessageRow, MessageStore } from "./store.ts";
import type { LinkStore } from "./store-links.ts";
import type { WorkRow, WorkStore } from "./store-work.ts";

/** What became of one draft. */
export type Sent =
  | {
      kind: "sent";
      entry: LogEntry;
      work: WorkRow | undefined;
      matched: number;
      /** For a group without members, the nearest groups with some. */
      suggestions?: string[] | undefined;
      replayed: boolean;
    }
  | { kind: "scheduled"; scheduleId: string; deliverAt: number; replayed: boolean };

export interface SendParts {
  agents: AgentService;
  agentStore: AgentStore;
  store: MessageStore;
  works: WorkStore;
  access: Access;
  members: MemberStore;
  schedules: Schedules;
  log: Log;
  parked: ParkedClaimers;
  due: Due;
  clock: Clock;
  linkStore: LinkStore;
  links: Links;
  quotas: Quotas;
  disk: Disk;
  headOf(on: Reading): number;
}

/** In whose name something is appended. */
export interface Author {
  id: string;
  kind: AgentFacts["kind"];
  via: string | null;
  /** Its source, when the author's kind does not tell. */
  source?: MessageSource;
  /** A bot speaks through this channel; `linkId`: what its chat says that it goes on from. */
  bot?: { linkId: number | null } | undefined;
}

/** A message whose target was looked up: ready to be appended. */
interface Addressed {
  draft: ParsedDraft;
  author: Author;
  target: string;
  matched: number;
  /** For a group without members, the nearest groups with some. */
  suggestions?: string[] | undefined;
  /** Hash of the request, when it has an idempotency key. */
  fingerprint?: string | undefined;
  /** What routed it there. */
  route?: Route | null | undefined;
  /** Nothing said before is why it is sent: it begins a chain of its own. */
  isRoot?: boolean | undefined;
  /** Set on a message that ends work or a request: it is never held back. */
  settles?: boolean | undefined;
  /** Set by a feature that handles its end and tells its sender: no expiry notice is sent. */
  owed?: boolean | undefined;
}

/**
 * Runs in the write that appends a message, after the message and its work are stored. What it throws refuses the message.
 * Whoever changes the work answers how it is now.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that changes nothing of the work says nothing
export type AppendedHandler = (tx: Tx, row: MessageRow, work: WorkRow | undefined) => Promise<WorkRow | void>;

/**
 * Runs in the write that appends a message, before it does, and answers with what is to be appended: the draft, or the
 * draft with more said about it. What it throws refuses the message.
 */
export type Amender = (tx: Tx, author: Author, draft: ParsedDraft, target: string) => Promise<ParsedDraft>;

/**
 * What a message to an agent of one kind has to have, and what it becomes before it is stored.
 * @throws Problem 422 when it cannot be sent there as it is
 */
export type Shaper = (on: Reading, author: Author, draft: ParsedDraft, target: AgentFacts) => Promise<ParsedDraft>;

/** Looked at when a message is planned and when it is appended. @throws Problem 422 when its sender may not send it */
export type DraftCheck = (on: Reading, author: Author, draft: ParsedDraft) => Promise<void>;

/** Runs in the write that plans a message for a time to come. */
export type PlannedHandler = (tx: Tx, payload: ParsedDraft["payload"], at: number) => Promise<void>;

/** Whether work waits for other work before anybody may claim it. */
export type Holder = (on: Reading, row: MessageRow) => Promise<boolean>;

/** The agent that `@name` stands for, or undefined; `names` are what it could have meant. */
export interface NameBook {
  find(on: Reading, name: string): Promise<string | undefined>;
  names(on: Reading): Promise<string[]>;
}

/** Options of a message that the relay itself sends. */
export interface Posting {
  route?: Route | null | undefined;
  settles?: boolean | undefined;
}

/** Whether a draft, were it sent now, would end something that is owed. */
export type Settler = (tx: Tx, author: Author, draft: ParsedDraft, target: string) => Promise<boolean>;

/** The due row of a direct message that expires: see `ends.ts`. */
export const EXPIRES = "message.expires";

export type Sender = ReturnType<typeof createSender>;

/** Appending to the log: who may say what to whom, why it was said, and what it makes. */
export function createSender(parts: SendParts) {
  const { agents, agentStore, store, works, access, members, schedules, log, parked, due, clock, headOf } = parts;
  const causes = createCauses({ store, linkStore: parts.linkStore, works, links: parts.links });
  const { quotas, disk } = parts;
  const appendedHandlers: AppendedHandler[] = [];
  const amenders: Amender[] = [];
  const checks: DraftCheck[] = [];
  const holders: Holder[] = [];
  const plannedHandlers: PlannedHandler[] = [];
  const settlers: Settler[] = [];
  const shapers = new Map<AgentFacts["kind"], Shaper>();
  let nameBook: NameBook | undefined;
  let guard: LoopGuard | undefined;

  /**
   * `POST /v1/messages`. `known`: senders that this write has asked about already. A verb that writes in the name of its
   * caller sets `isVerb`: it chooses kind and payload itself.
   * @throws Problem 403 (another's name), 409 (superseded), 422 (unknown-target, reserved-kind, idempotency-mismatch, ...)
   */
  async function send(
    tx: Tx,
    caller: Caller,
    draft: ParsedDraft,
    { known = new Map<string, AgentFacts>(), isVerb = false } = {},
  ): Promise<Sent> {
    const from = actingAs(caller, draft.from);
    const replay = draft.idempotencyKey ? await replayed(tx, from, draft) : undefined;
    if (replay) return replay;
    if (!isVerb) requirePlain(draft);
    const facts = known.get(from) ?? (await agents.requireActor(tx, caller, from));
    known.set(from, facts);
    if (!(await isOwed(tx, draft))) quotas.take(tx, facts, "messages");
    const via = caller.role === "operator" && from !== "user" ? caller.tokenId : null;
    const addressed = await address(tx, { id: from, kind: facts.kind, via }, draft);
    if (draft.replyTo || draft.causedBy || draft.expiresAt) await checkReferences(tx, from, draft);
    if (draft.deliverAt && fromTime(draft.deliverAt) > clock.now()) {
      disk.checkRoom(draft.body.length, "messages");
      const made = await schedules.add(tx, { ...draft, to: addressed.target }, from, via, fingerprint(draft));
      await planned(tx, addressed.draft.payload, made.deliverAt);
      return { kind: "scheduled", ...made, replayed: false };
    }
    return append(tx, { ...addressed, fingerprint: draft.idempotencyKey ? fingerprint(draft) : undefined });
  }

  /** Answers to requests are accepted beyond the sender's daily quota. */
  async function isOwed(on: Reading, { replyTo }: ParsedDraft): Promise<boolean> {
    return replyTo != null && (await store.lineage(on, replyTo))?.kind === "request";
  }

  async function planned(tx: Tx, payload: ParsedDraft["payload"], at: number): Promise<void> {
    for (const handler of plannedHandlers) await handler(tx, payload, at);
  }

  /** The same key and content give the same answer, whatever changed meanwhile. */
  async function replayed(tx: Tx, from: string, draft: ParsedDraft): Promise<Sent | undefined> {
    if (!draft.idempotencyKey) return undefined;
    const planned = await schedules.byKey(tx, from, draft.idempotencyKey);
    const row = planned ? undefined : await store.byKey(tx, from, draft.idempotencyKey);
    const found = planned ?? row;
    if (!found) return undefined;
    if (found.fingerprint !== fingerprint(draft))
      throw new Problem("idempotency-mismatch", `${draft.idempotencyKey} was used before, with other content.`);
    if (planned) return { kind: "scheduled", scheduleId: planned.id, deliverAt: planned.deliverAt, replayed: true };
    if (!row) return undefined;
    const work = row.claimable ? await works.byId(tx, row.id) : undefined;
    return { kind: "sent", entry: toLogEntry(row), work, matched: row.matched, replayed: true };
  }

  /** @throws Problem 422 when nobody goes by that name, nobody there could claim it, or it carries another's file. */
  async function address(on: Reading, author: Author, draft: ParsedDraft): Promise<Addressed> {
    const addressed = await lookUp(on, author, draft);
    for (const check of checks) await check(on, author, addressed.draft);
    return addressed;
  }

  async function lookUp(on: Reading, author: Author, draft: ParsedDraft): Promise<Addressed> {
    const parsed = parseTarget(draft.to);
    if (!parsed) throw unknownTarget(draft.to);
    const target = parsed.kind === "channel" ? await named(on, parsed.name) : parsed;
    const name = formatTarget(target);
    if (target.kind === "group") {
      const matched = await othersIn(on, name, author.id);
      const suggestions = matched === 0 ? agents.suggest(name, await agentStore.groupNames(on)) : undefined;
      return { draft, author, target: name, matched, suggestions };
    }
    const facts = await agentStore.facts(on, target.id);
    if (!facts) throw unknownTarget(draft.to);
    if (facts.deletedAt !== null)
      throw unknownTarget(
        draft.to,
        undefined,
        `${facts.id} was deleted: nothing reaches it unless an operator restores it.`,
      );
    return toOne(on, author, draft, facts);
  }

  /** Members of a group now, without the sender: its own message does not come to it. */
  async function othersIn(on: Reading, group: string, senderId: string): Promise<number> {
    const all = await agentStore.members(on, group);
    return all > 0 && (await members.memberAt(on, senderId, group, headOf(on) + 1)) ? all - 1 : all;
  }

  /** @throws Problem 422 when it cannot be sent there as it is */
  async function toOne(on: Reading, author: Author, draft: ParsedDraft, to: AgentFacts): Promise<Addressed> {
    checkClaimable(draft, to);
    const shaped = (await shapers.get(to.kind)?.(on, author, draft, to)) ?? draft;
    return { draft: shaped, author, target: to.id, matched: 1 };
  }

  /** Whom `@name` means. @throws Problem 422: an unknown name is nobody, never somebody else. */
  async function named(on: Reading, name: string): Promise<Exclude<Target, { kind: "channel" }>> {
    const id = await nameBook?.find(on, name);
    if (id !== undefined) return { kind: "agent", id };
    throw unknownTarget(
      `@${name}`,
      (await nameBook?.names(on))?.map((known) => `@${known}`),
    );
  }

  function unknownTarget(name: string, among?: string[], detail = `Nobody is called ${name}.`): Problem {
    return new Problem("unknown-target", detail, {
      errors: [{ pointer: "/to", message: "is not a registered agent or a group" }],
      suggestions: agents.suggest(name, among),
    });
  }

  async function checkReferences(on: Reading, from: string, draft: ParsedDraft): Promise<void> {
    if (draft.replyTo) await access.requireReference(on, from, draft.replyTo, "/replyTo");
    if (draft.causedBy && draft.causedBy !== draft.replyTo)
      await access.requireReference(on, from, draft.causedBy, "/causedBy");
    if (draft.expiresAt && fromTime(draft.expiresAt) <= clock.now())
      throw Problem.invalid("/expiresAt", "is already past");
    if (draft.expiresAt && draft.deliverAt && fromTime(draft.expiresAt) <= fromTime(draft.deliverAt))
      throw Problem.invalid("/expiresAt", "is not after deliverAt");
  }

  /** Appends what has been checked, and says so to who follows once it is on disk. */
  async function append(tx: Tx, asked: Addressed): Promise<Extract<Sent, { kind: "sent" }>> {
    let { draft } = asked;
    for (const amend of amenders) draft = await amend(tx, asked.author, draft, asked.target);
    const addressed = draft === asked.draft ? asked : { ...asked, draft };
    const { row, pause } = await toRow(tx, addressed);
    disk.checkRoom(sizeOf(row), "messages");
    await store.append(tx, row);
    let work = row.claimable ? await openWork(tx, row, addressed.draft.maxAttempts) : undefined;
    if (!work && row.expiresAt !== null && !isGroup(row.target) && !addressed.owed)
      await due.schedule(tx, EXPIRES, String(row.id), row.expiresAt, { messageId: row.id });
    const entry = toLogEntry(row);
    tx.afterCommit(() => {
      log.publish([entry]);
      if (work?.state === "open") parked.opened(work);
    });
    for (const handler of appendedHandlers) work = (await handler(tx, row, work)) ?? work;
    if (pause) await guard?.pause(tx, row, pause);
    return { kind: "sent", entry, work, matched: row.matched, suggestions: asked.suggestions, replayed: false };
  }

  async function toRow(tx: Tx, addressed: Addressed): Promise<Verdict & { row: MessageRow }> {
    const { draft, author, target, matched, route } = addressed;
    const parent = draft.replyTo ? await store.lineage(tx, draft.replyTo) : undefined;
    const settles = addressed.settles || (draft.replyTo ? await ends(tx, addressed) : false);
    const behind = addressed.isRoot ? ROOT : await causes.behind(tx, author, target, draft, parent);
    const { cause } = behind;
    // A post to a channel (whose id alone has a colon) is work for its adapter: for the others it is talk.
    const isPost = target.includes(":") && !isGroup(target);
    const isWork = draft.kind === "request" || (draft.claimable && !isPost);
    const judged = { ...behind, author, parent, settles, isWork };
    const { streak, pause } = (await guard?.judge(tx, judged)) ?? { streak: 0 };
    const id = headOf(tx) + 1;
    const row: MessageRow = {
      id,
      fromId: author.id,
      target,
      kind: draft.kind ?? (draft.claimable ? "task" : "chat"),
      source: author.source ?? sourceOf(author),
      topic: draft.topic ?? null,
      subject: draft.subject ?? null,
      body: draft.body,
      opaque: draft.encoding === "opaque",
      threadId: parent ? (parent.threadId ?? parent.id) : null,
      replyTo: draft.replyTo ?? null,
      causedBy: cause?.id ?? null,
      rootId: cause ? (cause.rootId ?? cause.id) : null,
      hops: cause ? cause.hops + 1 : 0,
      streak,
      workId: isWork ? id : behind.workId,
      claimable: draft.claimable,
      urgent: draft.urgent,
      route: route ? JSON.stringify(route) : null,
      payload: draft.payload ? JSON.stringify(draft.payload) : null,
      meta: draft.meta ? JSON.stringify(draft.meta) : null,
      idempotencyKey: draft.idempotencyKey ?? null,
      fingerprint: addressed.fingerprint ?? (draft.idempotencyKey ? fingerprint(draft) : null),
      via: author.via,
      expiresAt: draft.expiresAt ? fromTime(draft.expiresAt) : null,
      createdAt: clock.now(),
      matched,
    };
    return { row, streak, pause };
  }

  async function isHeld(on: Reading, row: MessageRow): Promise<boolean> {
    for (const holds of holders) if (await holds(on, row)) return true;
    return false;
  }

  async function ends(tx: Tx, { author, draft, target }: Addressed): Promise<boolean> {
    for (const settler of settlers) if (await settler(tx, author, draft, target)) return true;
    return false;
  }

  async function openWork(tx: Tx, row: MessageRow, maxAttempts: number): Promise<WorkRow> {
    const work: WorkRow = {
      messageId: row.id,
      target: row.target,
      kind: row.kind,
      topic: row.topic ?? "",
      urgent: row.urgent,
      state: (await isHeld(tx, row)) ? "delayed" : "open",
      dueAt: row.expiresAt,
      expiresAt: row.expiresAt,
      maxAttempts,
      attempts: 0,
      fence: 0,
      holder: null,
      claimedAt: null,
      leaseSeconds: null,
      error: null,
      endedAt: null,
      endedUpTo: null,
    };
    await works.add(tx, work);
    const expiresAt = row.expiresAt;
    if (expiresAt !== null) tx.afterCommit(() => due.notice(expiresAt));
    return work;
  }

  return {
    send,
    /**
     * `POST /v1/messages/batch`: one write, so all or nothing. The pointer of a refusal says which one it was. Between
     * its messages the event loop goes on while the transaction stays open: reads see none of it, other writes wait.
     */
    async sendAll(tx: Tx, caller: Caller, drafts: readonly ParsedDraft[]): Promise<Sent[]> {
      const sent: Sent[] = [];
      disk.checkRoom(
        drafts.reduce((sum, { body }) => sum + body.length, 0),
        "batches",
      );
      // Nothing that is sent changes who an agent is: each sender is asked about once.
      const known = new Map<string, AgentFacts>();
      const pause = createPauses();
      for (const [index, draft] of drafts.entries()) {
        try {
          sent.push(await send(tx, caller, draft, { known }));
        } catch (error) {
          throw error instanceof Problem ? error.under(`/messages/${index}`) : error;
        }
        await pause();
      }
      return sent;
    },
    append,
    address,
    /** Says which messages end something that is owed. */
    settledBy: (settler: Settler) => settlers.push(settler),
    amend: (amender: Amender) => amenders.push(amender),
    check: (check: DraftCheck) => checks.push(check),
    planned,
    onPlanned: (handler: PlannedHandler) => plannedHandlers.push(handler),
    /** Work that is held is stored `delayed`, without a time: whoever holds it back opens it. */
    holdBy: (holder: Holder) => holders.push(holder),
    onAppended: (handler: AppendedHandler) => appendedHandlers.push(handler),
    /** One shaper for each kind of agent. */
    shape: (kind: AgentFacts["kind"], shaper: Shaper) => shapers.set(kind, shaper),
    /** Who resolves `@name`. */
    nameBy(book: NameBook): void {
      nameBook = book;
    },

    /** Who keeps agents from answering each other for ever. */
    guardBy(loops: LoopGuard): void {
      guard = loops;
    },

    /** What the relay itself has to say. The target may be gone meanwhile: then nobody is told, and nothing is thrown. */
    async tell(tx: Tx, to: string, said: Partial<ParsedDraft> & { body: string }): Promise<void> {
      await this.post(tx, { id: "system", kind: "system", via: null }, { kind: "system", ...said, to });
    },

    /**
     * Appends in somebody's name without asking who calls: for what a verb itself says. `to` is an agent's id or a group.
     * Returns undefined when the target is gone.
     */
    async post(tx: Tx, author: Author, said: Said, how: Posting = {}) {
      const draft: ParsedDraft = { claimable: false, urgent: false, maxAttempts: 5, encoding: "plain", ...said };
      if (isGroup(draft.to)) return append(tx, { ...(await address(tx, author, draft)), ...how });
      const facts = await agentStore.facts(tx, draft.to);
      if (!facts || facts.deletedAt !== null) return undefined;
      return append(tx, { ...(await toOne(tx, author, draft, facts)), ...how });
    },
  };
}

const sizeOf = ({ body, payload, meta }: MessageRow): number =>
  body.length + (payload?.length ?? 0) + (meta?.length ?? 0);

/** A message that the relay itself makes: what is left out is as when a caller leaves it out. */
export type Said = Partial<ParsedDraft> & { to: string; body: string };

/** Claiming makes sense for work, and where several could take it. Where it does not it is refused, never dropped. */
function checkClaimable(draft: ParsedDraft, target: AgentFacts): void {
  if (!draft.claimable) return;
  if (target.kind === "system") throw notClaimable("system claims nothing");
  const kind = draft.kind ?? "task";
  if (kind !== "task" && kind !== "system" && kind !== "channel.event")
    throw notClaimable(`a ${kind} for one agent is not work; leave kind out, or send it to a group`);
}

function notClaimable(why: string): Problem {
  return new Problem("not-claimable", `This message cannot be claimed: ${why}.`, {
    errors: [{ pointer: "/claimable", message: why }],
  });
}

/** An operator's token that writes as `system` is a person: only the relay itself is the relay. */
function sourceOf({ kind, via }: Author): MessageSource {
  if (kind === "user") return "person";
  if (kind === "system") return via === null ? "relay" : "person";
  return kind === "channel" ? "channel" : "agent";
}

/**
 * Of what was asked for, without the key and the sender, which it belongs to. null says the same as leaving out. Named one by
 * one, and the type wants all of them: going through the entries costs a send 2 µs.
 */
function fingerprint(draft: ParsedDraft): string {
  const content: Record<Exclude<keyof ParsedDraft, "idempotencyKey" | "from">, unknown> = {
    to: draft.to,
    kind: draft.kind,
    topic: draft.topic ?? undefined,
    subject: draft.subject ?? undefined,
    body: draft.body,
    replyTo: draft.replyTo ?? undefined,
    // null says that nothing caused it; left out, the relay looks.
    causedBy: draft.causedBy,
    claimable: draft.claimable,
    urgent: draft.urgent,
    maxAttempts: draft.maxAttempts,
    expiresAt: draft.expiresAt ?? undefined,
    deliverAt: draft.deliverAt ?? undefined,
    encoding: draft.encoding,
    payload: draft.payload ?? undefined,
    meta: draft.meta ?? undefined,
  };
  return Bun.hash(JSON.stringify(content)).toString(36);
}
