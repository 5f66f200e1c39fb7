import type { Areas } from "../../core/core.ts";
import type { RunRow } from "../../features/runs/row.ts";
import type { Runs } from "../../features/runs/runs.ts";
import { actingAs, type Caller } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { Problem } from "../../protocol/problem.ts";
import { RunDraft, RunId } from "../../protocol/runs.ts";
import { SAY } from "./operation.ts";
import { type Saying, short } from "./saying.ts";

/** A chat with an agent: a run's id, or a name of the caller's. */
export interface Chat {
  agentId: string;
  chatId: string;
}

/** Turn that hears what was said. */
export interface Heard {
  runId: string;
  turnId: string;
}

export type Chats = ReturnType<typeof createChats>;

/** Chats are threads: what a person says is a message, and the agent's work on it is a run in the chat's session. */
export function createChats({ kernel, core, runs }: Areas & { runs: Runs }) {
  const { idempotency } = kernel;
  const { messages } = core;

  /** The newest run of a chat. @throws Problem 404 for a run that is not the agent's */
  async function find(on: ReadTx, caller: Caller, { agentId, chatId }: Chat): Promise<RunRow | undefined> {
    if (!RunId.safeParse(chatId).success) return runs.newestOf(on, agentId, sessionKeyOf(caller, chatId));
    const run = await runs.access.requireFollower(on, caller, chatId);
    if (run.agentId !== agentId) throw new Problem("not-found", `Run ${chatId} is not of ${agentId}.`);
    return run;
  }

  /** Says it to the run that works in this chat, or lets a new one answer it. */
  async function speak(tx: Tx, caller: Caller, chat: Chat, saying: Saying): Promise<Heard> {
    const { chatId } = chat;
    const newest = await find(tx, caller, chat);
    const isWorking = newest?.status === "running" || newest?.status === "stopping";
    if (newest && (isWorking || newest.id === chatId)) {
      const { turnId } = await runs.tell.tell(tx, caller, newest.id, saying);
      return { runId: newest.id, turnId };
    }
    // Retention may have passed the thread while its run is kept.
    const thread = newest?.threadId == null ? undefined : await messages.rows.lineage(tx, newest.threadId);
    return begin(tx, caller, chat, saying, { replyTo: thread?.id });
  }

  /** Asks for a run: on a message that is there, or on one that is sent with it. */
  async function begin(
    tx: Tx,
    caller: Caller,
    chat: Chat,
    saying: Saying,
    { messageId, replyTo }: { messageId?: number; replyTo?: number | undefined },
  ): Promise<Heard> {
    const { agentId, chatId } = chat;
    const { text: task, files } = saying;
    const draft = RunDraft.parse({
      ...{ agentId, sessionKey: sessionKeyOf(caller, chatId), task, messageId, cause: "chat" },
      ...(files.length > 0 ? { files } : {}),
    });
    const { made } = await runs.service.create(tx, caller, draft, null, undefined, { replyTo });
    return { runId: made.id, turnId: made.turnId };
  }

  return {
    find,

    /** Says something; a repeat with the same id changes nothing. @throws Problem 403, 404, 409, 422, 429 */
    async say(tx: Tx, caller: Caller, chat: Chat, saying: Saying): Promise<Heard> {
      const { made } = await idempotency.once<Heard>(tx, {
        ...{ sender: actingAs(caller), operation: SAY },
        key: saying.id === undefined ? undefined : short(`${chat.agentId}/${chat.chatId}/${saying.id}`),
        asked: [chat, saying.text, saying.files],
        async make() {
          const heard = await speak(tx, caller, chat, saying);
          return { subject: `${heard.runId}/${heard.turnId}`, made: heard };
        },
        async again(subject) {
          const [runId = "", turnId = ""] = subject.split("/");
          return (await runs.book.byId(tx, runId)) && { runId, turnId };
        },
      });
      return made;
    },

    /** Asks for another answer to the newest message: that of a turn that still runs, or a new one. */
    async sayAgain(tx: Tx, caller: Caller, chat: Chat, saying: Saying): Promise<Heard> {
      const newest = await find(tx, caller, chat);
      if (!newest) return speak(tx, caller, chat, saying);
      if (newest.status !== "ended") return { runId: newest.id, turnId: newest.turnId };
      if (newest.messageId === null || newest.id === chat.chatId) return speak(tx, caller, chat, saying);
      return begin(tx, caller, chat, saying, { messageId: newest.messageId });
    },
  };
}

/** Names of one caller are not those of another. */
const sessionKeyOf = (caller: Caller, chatId: string): string => `chat:${actingAs(caller)}:${short(chatId)}`;
