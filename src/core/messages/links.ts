import { isGroup } from "../../identity/agents/target.ts";
import { MINUTE_MS } from "../../kernel/clock.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Base } from "../base.ts";
import type { Deliveries } from "../inbox/deliveries.ts";
import type { TargetMail } from "./by-target.ts";
import type { Ended } from "./ended.ts";
import type { Link, Linked } from "./judge.ts";
import type { Lineage } from "./row.ts";

/** A message that an agent is about to send. */
export interface Saying {
  fromId: string;
  /** An operator, who reads everything, writes in its name. */
  isByOperator: boolean;
  target: string;
  /** The message it names, or the work its author holds. */
  named: Lineage | undefined;
  /** Set by an author to say that nothing caused it. */
  isNothing: boolean;
}

/** An entry of an agent's mail. */
interface Heard {
  id: number;
  from: string;
  to: string;
}

/** Mail of an author, some of which may count, and entries of the thread that it names. */
interface Candidates {
  mail: readonly TargetMail[];
  some: readonly TargetMail[];
  known: readonly Lineage[];
}

const NONE: ReadonlySet<number> = new Set();
const NOTHING: Linked = {};
/** Delivered mail that is read for one message. */
const LOOKS = 24;
/** Lifetime of a cached window floor. It only saves reading older mail. */
const FLOOR_MS = 60_000;

export type Links = ReturnType<typeof createLinks>;

/** Finds the link of a message: the newest of the message it names and its author's recent mail. docs/loops.md has the rule. */
export function createLinks(base: Base, ended: Ended, deliveries: Deliveries) {
  const { loopWindowMs: windowMs } = base.options;
  const { clock, headOf } = base.kernel;
  const { groupPosts } = base;
  const { work: works, links: linkStore } = base.rows;
  let floor = { at: Number.NEGATIVE_INFINITY, id: 0 };

  function floorOf(on: ReadTx): number {
    const now = clock.now();
    if (Math.abs(now - floor.at) > FLOOR_MS)
      floor = { at: now, id: linkStore.placeBefore(on, now - windowMs, headOf(on)) };
    return floor.id;
  }

  function find(on: ReadTx, saying: Saying): Promise<Linked> | Linked {
    const received = receiptsOf(on, saying);
    // The usual case of a program that only sends: none of its mail can count, so none is read.
    return !saying.named && received.isNothing() ? NOTHING : look(on, saying, received);
  }

  async function look(on: ReadTx, saying: Saying, received: ReturnType<typeof receiptsOf>): Promise<Linked> {
    const { fromId, named } = saying;
    const mail = linkStore.mail(on, fromId, floorOf(on));
    const thread = named ? await threadOf(on, named) : [];
    const some = mayCount(mail, saying);
    const look = lookFor(on, fromId, received, { mail, some, known: named ? [named, ...thread] : thread });
    const inThread = named && (await fromThread(look, mail, thread, named, fromId));
    const heard = await fromMail(on, look, some, saying);
    const link =
      !heard || (inThread && inThread.id >= heard.row.id) ? inThread && { row: inThread, until: null } : heard;
    if (!link) return {};
    const by = await personAfter(look, link.row.id, mail, thread);
    return by === undefined ? { link } : { cut: { row: link.row, by } };
  }

  /** Mail by others that may count: direct, from the recipient, or of a group where the author may just have posted itself. */
  function mayCount(mail: readonly TargetMail[], { fromId, target }: Saying): TargetMail[] {
    const mayBeMine = groupPosts.mayBeRecent(fromId);
    return mail.map(({ target: to, recent }) => ({
      target: to,
      recent: recent.filter(
        ([, from]) =>
          from !== fromId && from !== "system" && from !== "user" && (to === fromId || mayBeMine || from === target),
      ),
    }));
  }

  /** The last 24 entries of a thread, newest first. */
  async function threadOf(on: ReadTx, named: Lineage): Promise<Lineage[]> {
    const rootId = named.threadId ?? named.id;
    const replies = linkStore.thread(on, rootId);
    if (replies.length >= 24) return replies;
    const root = named.id === rootId ? named : await base.lineage(on, rootId);
    return root ? [...replies, root] : replies;
  }

  /** Tells which entries the author has received: by any route, or by a lease. An operator in its name knows them all. */
  function receiptsOf(on: ReadTx, { fromId, isByOperator }: Saying) {
    const handed = deliveries.reader(on, fromId);
    const workedUpTo = works.mayHaveWorkedUpTo(on, fromId);
    /** Most entries are no work, as the tail of the log knows, or newer than all that it was given. */
    function claimedAmong(ids: readonly number[]): ReadonlySet<number> {
      const work = ids.filter((id) => id <= workedUpTo && base.log.entry(id)?.claimable !== false);
      return work.length > 0 ? works.workedAmong(on, fromId, work) : NONE;
    }
    return {
      isNothing: () => !isByOperator && workedUpTo === 0 && handed.upTo() === 0,
      /** `all` that it may have; among `some` of them. Leases are looked up at the first entry that no route has delivered. */
      among(some: readonly number[], all: () => readonly number[]) {
        let taken: ReadonlySet<number> | undefined;
        const claimed = () => {
          taken ??= claimedAmong(some);
          return taken;
        };
        return {
          isBlind: (): boolean => !isByOperator && !handed.any() && claimedAmong(all()).size === 0,
          /** False is certain, and costs no turn of the microtask queue: most mail is newer than the last delivery. */
          mayHave: (id: number): boolean => isByOperator || id <= handed.upTo() || claimed().has(id),
          has: async (id: number) => isByOperator || (await handed.has(id)) || claimed().has(id),
        };
      },
    };
  }

  /** Candidates for one author's link; each entry is looked up once. */
  function lookFor(
    on: ReadTx,
    fromId: string,
    received: ReturnType<typeof receiptsOf>,
    { mail, some, known }: Candidates,
  ) {
    const rows = new Map<number, Lineage | undefined>(known.map((row) => [row.id, row]));
    const among = received.among([...idsOf(some), ...rows.keys()], () => [...idsOf(mail), ...rows.keys()]);
    return {
      isOver: ended.reader(on, fromId),
      isBlind: among.isBlind,
      isDelivered: among.has,
      mayBeDelivered: among.mayHave,
      async row(id: number): Promise<Lineage | undefined> {
        if (!rows.has(id)) rows.set(id, await base.lineage(on, id));
        return rows.get(id);
      },
    };
  }

  /**
   * In a thread where the author has spoken, the newest by an agent that it said or was sent counts; else what it named. An
   * author that no route ever handed anything reads by ways the relay does not see: it names the thread, so it knows it.
   */
  async function fromThread(look: Look, mail: TargetMail[], thread: Lineage[], named: Lineage, fromId: string) {
    const isAgents = ({ streak }: Lineage) => streak > 0;
    if (!thread.some((row) => isAgents(row) && row.fromId === fromId))
      return isAgents(named) && !(await look.isOver(named)) ? named : undefined;
    const mine = new Set(mail.map(({ target }) => target));
    for (const row of thread) {
      if (!isAgents(row)) continue;
      const isKnown = row.fromId === fromId || row.id === named.id;
      if (!isKnown && !(mine.has(row.target) && (look.isBlind() || (await look.isDelivered(row.id))))) continue;
      if (!(await look.isOver(row))) return row;
    }
    return undefined;
  }

  /** The newest mail from the recipient; with nothing named, else from any agent it has not written to itself. */
  async function fromMail(on: ReadTx, look: Look, mail: TargetMail[], saying: Saying): Promise<Link | undefined> {
    const { fromId, target, named, isNothing } = saying;
    const heard = await heardBy(on, look, mail, saying);
    const there = heard.filter(({ from, to }) => from === target || to === target);
    const link = await newest(look, there, isNothing ? MINUTE_MS : windowMs);
    if (link || named) return link;
    const written = new Map<string, boolean>();
    const isUnanswered = (from: string) => {
      if (!written.has(from)) written.set(from, linkStore.hasWritten(on, fromId, from));
      return written.get(from) === false;
    };
    return newest(look, heard, isNothing || isGroup(target) ? MINUTE_MS : windowMs, isUnanswered);
  }

  /** Mail that may count, newest first: direct, from the recipient, or of a group it has just written to itself. */
  async function heardBy(on: ReadTx, look: Look, mail: TargetMail[], { fromId, target }: Saying): Promise<Heard[]> {
    const heard: Heard[] = [];
    for (const { target: to, recent } of mail) {
      const others = recent.filter(([id]) => look.mayBeDelivered(id));
      if (others.length === 0) continue;
      const own = to === fromId ? null : linkStore.newestOwn(on, fromId, to, floorOf(on));
      const isMine = to === fromId || (own !== null && isYoung(await look.row(own), MINUTE_MS));
      for (const [id, from] of others) if (isMine || from === target) heard.push({ id, from, to });
    }
    return heard.sort((a, b) => b.id - a.id);
  }

  async function newest(look: Look, heard: Heard[], withinMs: number, isMeant = (_: string) => true) {
    let left = LOOKS;
    for (const { id, from } of heard) {
      if (!(await look.isDelivered(id))) continue;
      if (left-- === 0) return undefined;
      // Before the row is read: most mail of an agent that answers has its answer.
      if (!isMeant(from)) continue;
      const row = await look.row(id);
      if (!row || !isYoung(row, withinMs)) return undefined;
      if (row.streak > 0 && !(await look.isOver(row))) return { row, until: row.createdAt + withinMs };
    }
    return undefined;
  }

  const isYoung = (row: Lineage | undefined, withinMs: number) =>
    row !== undefined && clock.now() - row.createdAt < withinMs;

  /** A message of a person since then, in the author's inbox or in the thread. */
  async function personAfter(look: Look, after: number, mail: TargetMail[], thread: Lineage[]) {
    for (const { recent } of mail)
      for (const [id, from] of recent) {
        if (id <= after) break;
        if (mayBePerson(from) && (await look.row(id))?.streak === 0) return from;
      }
    return thread.find(({ id, fromId, streak }) => id > after && streak === 0 && mayBePerson(fromId))?.fromId;
  }

  type Look = ReturnType<typeof lookFor>;

  return { find };
}

const idsOf = (mail: readonly TargetMail[]): number[] => mail.flatMap(({ recent }) => recent.map(([id]) => id));

/** Only a channel's id has a colon: people and bots speak through it. */
const mayBePerson = (id: string): boolean => id === "user" || id.includes(":");
