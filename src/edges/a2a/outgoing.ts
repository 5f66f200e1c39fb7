import { type Message, Role } from "@a2a-js/sdk";
import type { Core } from "../../core/core.ts";
import type { LogEntry } from "../../core/messages/entry.ts";
import type { WorkRow } from "../../core/work/row.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { dataPart, messageWith, textPart } from "./parts.ts";
import type { CallRow, ExternalStore } from "./store.ts";

/** An entry of an inbox, as far as delivery needs it. */
export interface InboxEntry {
  id: number;
  from: string;
  to: string;
  kind: string;
  subject: string | null;
  body: string;
  encoding: string;
  threadId: number;
  replyTo: number | null;
  claimable: boolean;
  createdAt: string;
  payload: Record<string, unknown> | null;
}

/** The next step for an entry of an external agent's inbox. */
export type Step =
  /** Nothing for this agent. */
  | { do: "pass"; message: InboxEntry }
  /** The request was cancelled. */
  | { do: "cancel"; message: InboxEntry; call: CallRow }
  /** Work has to be claimed first. */
  | { do: "claim"; message: InboxEntry }
  | { do: "send"; message: InboxEntry; work: WorkRow | undefined; going: CallRow | undefined; contextId: string };

export type SendStep = Extract<Step, { do: "send" }>;

/** Kinds that may want an answer. A2A answers every message: with notices and reports, two agents would thank each other for ever. */
const SENT_KINDS = new Set(["chat", "task", "request"]);

/** Chooses the entries of an inbox that go to an external agent, and their form. */
export function createOutgoing(core: Core, store: ExternalStore) {
  const { rows: works } = core.work;

  return {
    async step(on: ReadTx, agentId: string, entry: LogEntry): Promise<Step> {
      const message = JSON.parse(entry.json) as InboxEntry;
      const call = await cancelled(on, agentId, message);
      if (call) return { do: "cancel", message, call };
      const going = message.replyTo === null ? undefined : await store.byQuestion(on, agentId, message.replyTo);
      const goesOn = going !== undefined && going.endedAt === null && going.askerId === message.from;
      if (!goesOn && (!SENT_KINDS.has(message.kind) || message.from === agentId)) return { do: "pass", message };
      if (message.encoding !== "plain") return { do: "pass", message };
      const work = message.claimable ? await works.byId(on, message.id) : undefined;
      if (work) {
        // Work of a group goes to agents that ask for it.
        if (message.to !== agentId) return { do: "pass", message };
        if (work.state === "open") return { do: "claim", message };
        if (work.state !== "claimed" || work.holder !== agentId) return { do: "pass", message };
      }
      const contextId = (await store.contextOf(on, agentId, message.threadId)) ?? "";
      return { do: "send", message, work, going: goesOn ? going : undefined, contextId };
    },
  };

  /** Call of a delegation that the relay reports as cancelled. */
  async function cancelled(on: ReadTx, agentId: string, { from, payload }: InboxEntry): Promise<CallRow | undefined> {
    if (from !== "system" || typeof payload?.delegationId !== "string" || payload.status !== "cancelled")
      return undefined;
    return store.byDelegation(on, agentId, payload.delegationId);
  }
}

/**
 * The message as it goes out. Its id is the same each time, so that a receiver recognises a repetition.
 * @param relay id of this relay: several may call the same agent
 */
export function messageFor({ message, going, contextId }: SendStep, relay: string): Message {
  const { id, from, to, kind, threadId, subject, body, payload } = message;
  const { delegationId: _, depth: __, ...own } = payload ?? {};
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== null));
  return messageWith({
    messageId: `${relay}-${id}`,
    contextId: going?.contextId ?? contextId,
    taskId: going?.taskId ?? "",
    role: Role.ROLE_USER,
    parts: [
      textPart(subject === null ? body : `${subject}\n\n${body}`),
      ...(Object.keys(given).length ? [dataPart(given)] : []),
    ],
    metadata: { "signalbox-origin": { messageId: id, threadId, from, to, kind } },
  });
}
