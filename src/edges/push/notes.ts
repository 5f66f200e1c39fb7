import type { Areas } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import type { ApprovalRow } from "../../features/approvals/row.ts";
import type { RunRow, TurnRow } from "../../features/runs/row.ts";
import type { Runs } from "../../features/runs/runs.ts";
import type { RunEnding } from "../../features/runs/settle.ts";
import type { PersonRow } from "../../identity/people/row.ts";
import { DAY_MS } from "../../kernel/clock.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Announcement } from "../../protocol/announcements.ts";
import { SEND } from "./deliver.ts";
import type { NoteRow, PushStore, SubscriptionRow } from "./store.ts";
import type { About } from "./tables.ts";

/** Pending notes of one device; further ones, but approvals, are one note that something waits. */
const MAX_PENDING = 100;
/** Time for which a push is worth to be sent. */
const KEPT_MS = DAY_MS;
/** Devices that one event is sent to. */
const MAX_TOLD = 500;

type Note = Pick<NoteRow, "tag" | "kind" | "agentId" | "path" | "about"> & { expiresAt?: number };

/** Events that people are told of by push: each is noted for their devices in the write of the event. */
export function createNotes({ kernel, identity, core, runs }: Areas & { runs: Runs }, store: PushStore) {
  const { clock, due } = kernel;
  const { people } = identity;
  const { rows: messages } = core.messages;

  async function add(tx: Tx, { id: subscriptionId }: SubscriptionRow, note: Note): Promise<void> {
    const now = clock.now();
    const before = await store.note(tx, { subscriptionId, tag: note.tag });
    const isMore = note.kind !== "approval" && before?.nextAt == null;
    const isFull = isMore && (await store.countPending(tx, subscriptionId)) >= MAX_PENDING;
    const row = isFull ? { ...MORE, expiresAt: now + KEPT_MS } : { expiresAt: now + KEPT_MS, ...note };
    await store.putNote(tx, {
      ...{ ...row, subscriptionId, nextAt: now, attempts: 0, sentAt: before?.sentAt ?? null, createdAt: now },
    });
    await due.hurry(tx, SEND, subscriptionId, now);
  }

  /** Devices of a person that wants pushes. Without a person: of tokens that belong to none. */
  async function devicesOf(on: ReadTx, personId: string | null): Promise<SubscriptionRow[]> {
    if (!store.any(on)) return [];
    const person = personId === null ? undefined : await people.live(on, personId);
    if (personId !== null && !person?.notify.includes("push")) return [];
    return store.of(on, personId);
  }

  async function tell(tx: Tx, devices: readonly SubscriptionRow[], note: Note): Promise<boolean> {
    for (const device of devices) await add(tx, device, note);
    return devices.length > 0;
  }

  /** Devices of everybody at `user`. */
  async function allDevices(on: ReadTx): Promise<SubscriptionRow[]> {
    const all = await store.all(on, MAX_TOLD);
    const found = await Promise.all([...new Set(all.map(({ personId }) => personId))].map((id) => devicesOf(on, id)));
    return found.flat();
  }

  /** The person that a message answers; undefined when it answers none. */
  async function answeredBy(on: ReadTx, { replyTo }: MessageRow): Promise<PersonRow | undefined> {
    return replyTo === null ? undefined : people.live(on, messages.personOf(on, replyTo));
  }

  async function noteMessage(tx: Tx, row: MessageRow): Promise<void> {
    const { id, fromId: agentId, threadId } = row;
    const run = row.kind === "announcement" ? await runOf(tx, row) : undefined;
    if (run) {
      await tell(tx, await devicesOf(tx, run.person), runNote(run, { messageId: id }));
      return;
    }
    const thread = threadId ?? id;
    const person = await answeredBy(tx, row);
    await tell(tx, person ? await devicesOf(tx, person.id) : await allDevices(tx), {
      ...{ kind: "message", tag: `thread:${thread}`, agentId, path: `/threads/${thread}`, about: { messageId: id } },
    });
  }

  async function runOf(on: ReadTx, { payload }: MessageRow) {
    const { announcement } = JSON.parse(payload ?? "{}") as { announcement?: { runId?: string } };
    return announcement?.runId === undefined ? undefined : runs.book.byId(on, announcement.runId);
  }

  const runNote = ({ id, agentId }: RunRow, about: About): Note => ({
    ...{ kind: "run", tag: `run:${id}`, agentId, path: `/runs/${id}`, about },
  });

  async function noteRun(tx: Tx, run: RunRow): Promise<void> {
    const devices = await devicesOf(tx, run.person);
    for (const device of devices) {
      const told = await store.note(tx, { subscriptionId: device.id, tag: `run:${run.id}` });
      // The message that announces it is known to be read or not.
      if (told?.nextAt == null) await add(tx, device, runNote(run, { runId: run.id }));
    }
  }

  const approvalNote = ({ id, agentId, expiresAt }: ApprovalRow): Note => ({
    ...{
      kind: "approval",
      tag: `approval:${id}`,
      agentId,
      path: `/approvals/${id}`,
      about: { approvalId: id },
      expiresAt,
    },
  });

  /** Devices of operators and members without a person. */
  const deskOf = async (on: ReadTx): Promise<SubscriptionRow[]> =>
    (await devicesOf(on, null)).filter(({ role }) => role !== "viewer");

  return {
    /** An agent's message to `user`: for the person it answers, else for everybody. The end of a run: for whoever asked for it. */
    created(tx: Tx, row: MessageRow): Promise<void> | undefined {
      if (row.target !== "user" || row.fromId === "user" || !FROM_AGENTS.has(row.source) || !store.any(tx))
        return undefined;
      return noteMessage(tx, row);
    },

    /** A run that a person asked for has ended, without a word to them that is a message. */
    runEnded(tx: Tx, run: RunRow, _: TurnRow, { replyId }: RunEnding): Promise<void> | undefined {
      const isOwn = run.parentId === null && run.delegationId === null && run.origin === null;
      const isKnown = replyId !== undefined || run.abortedBy === "user" || (run.silent && run.outcome === "ok");
      return isOwn && !isKnown && run.askedBy === "user" && store.any(tx) ? noteRun(tx, run) : undefined;
    },

    /** A result could not be delivered: for the person who asked for the run, else for operators. */
    async announced(tx: Tx, { id, state, runId }: Announcement): Promise<void> {
      if (state !== "blocked" || !store.any(tx)) return;
      const run = await runs.book.byId(tx, runId);
      const asker = run && (await devicesOf(tx, run.person));
      const operators = await people.operators(tx);
      const others = async () => [
        ...(await Promise.all(operators.map((person) => devicesOf(tx, person.id)))).flat(),
        ...(await deskOf(tx)),
      ];
      await tell(tx, asker?.length ? asker : await others(), {
        ...{
          kind: "blocked",
          tag: `blocked:${id}`,
          agentId: run?.agentId ?? null,
          path: `/runs/${runId}`,
          about: { announcementId: id },
        },
      });
    },

    /** Whether a push reaches the person. */
    reaches: async (on: ReadTx, personId: string): Promise<boolean> => (await devicesOf(on, personId)).length > 0,
    /** Whether a push reaches somebody who decides, and belongs to no person. */
    reachesDesk: async (on: ReadTx): Promise<boolean> => (await deskOf(on)).length > 0,

    /** Asks a person. Answers whether it could. */
    ask: async (tx: Tx, row: ApprovalRow, personId: string): Promise<boolean> =>
      tell(tx, await devicesOf(tx, personId), approvalNote(row)),

    /** Asks those whose tokens belong to no person. Answers whether there are any. */
    askDesk: async (tx: Tx, row: ApprovalRow): Promise<boolean> => tell(tx, await deskOf(tx), approvalNote(row)),

    /** Tells a person something that has no page of its own. Answers whether it could. */
    say: async (tx: Tx, personId: string, text: string): Promise<boolean> =>
      tell(tx, await devicesOf(tx, personId), {
        ...{ kind: "handed", tag: "handed", agentId: null, path: "/", about: { text } },
      }),
  };
}

/** Authors of messages that are worth a push: the relay's own notices, channels and integrations have ways of their own. */
const FROM_AGENTS: ReadonlySet<MessageRow["source"]> = new Set(["agent", "schedule"]);

const MORE: Note = { kind: "message", tag: "more", agentId: null, path: "/", about: {} };
