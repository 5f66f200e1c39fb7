import type { Areas } from "../../core/core.ts";
import type { Asks, Author } from "../../core/messages/draft.ts";
import { modeOf } from "../../identity/orchestrators/modes.ts";
import type { ManagedAgent } from "../../identity/orchestrators/provider-agents.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import type { Place } from "../../protocol/places.ts";
import { Conversation } from "../../protocol/posts.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Letters } from "./letters.ts";
import { isSpawner } from "./may.ts";

/** Kinds that verbs of the relay make about something that the agent has asked for, or belongs to. */
const NEWS: ReadonlySet<unknown> = new Set(["response", "announcement", "system", "control", "pair"]);

export type Spawning = ReturnType<typeof createSpawning>;

type Ground = Areas & { sessions: Sessions };

/**
 * The rule on messages that start an agent which an orchestrator runs: every way to such an agent asks here, and the daemon hears
 * of nothing else. Where its main session for the place of a message lives, the message is text for it, whoever writes.
 */
export function createSpawning({ core, identity, sessions }: Ground, letters: Letters) {
  const { rows } = core.messages;
  const { directory, orchestrators } = identity;

  /** Whether a message goes on with a dialogue: its place has a session, or it answers the agent itself. */
  async function isRunning(on: ReadTx, agentId: string, author: Author, draft: ParsedDraft): Promise<boolean> {
    const parent = draft.replyTo == null ? undefined : await rows.lineage(on, draft.replyTo);
    if (parent?.fromId === agentId) return true;
    const thread = parent && (parent.threadId ?? parent.id);
    return sessions.hasMainAt(on, agentId, placesOf(author, draft, thread));
  }

  /** Reason why a message may not start an agent, `ask` when a person decides, undefined when it may. */
  async function verdict(
    on: ReadTx,
    author: Author,
    draft: ParsedDraft,
    { box, agentId, isNamed }: ManagedAgent,
  ): Promise<Problem | "ask" | undefined> {
    if (NEWS.has(draft.kind) || isRelay(author)) return undefined;
    const mode = modeOf(box);
    const isDraining = isNamed && box.draining;
    const isFree = isTrusted(author, draft) || author.id === agentId;
    if (isFree && mode !== "closed" && !isDraining) return undefined;
    if (await isRunning(on, agentId, author, draft)) return undefined;
    const none = `no session of ${agentId} lives for this`;
    if (mode === "closed")
      return new Problem("forbidden", `${box.id} is closed, and ${none}: nothing is started there.`);
    if (isDraining) return new Problem("conflict", `${box.id} is draining: it starts nothing new.`);
    if (!isSpawner(box, author))
      return new Problem(
        "forbidden",
        `${author.id} may not start agents on ${box.id}, and ${none}: an operator names it in the spawners of that orchestrator.`,
      );
    return mode === "ask" ? "ask" : undefined;
  }

  return {
    /** Rules for a message to one agent. @throws Problem 403, 409 */
    async spawning(on: ReadTx, author: Author, draft: ParsedDraft, to: ManagedAgent): Promise<Asks | undefined> {
      const found = await verdict(on, author, draft, to);
      if (found instanceof Problem) throw found;
      return found && letters.asksFor(author, draft, to);
    },

    /** Members of a group that a message would start and may not: no person is asked for a group. */
    async withholding(on: ReadTx, author: Author, draft: ParsedDraft, group: string): Promise<string[] | undefined> {
      if (NEWS.has(draft.kind) || isRelay(author)) return undefined;
      const withheld: string[] = [];
      for await (const { box, agentIds } of orchestrators.providers.all(on)) {
        const of = { box, provider: "", isNamed: false };
        for (const agentId of agentIds)
          if ((await directory.targetsNow(on, agentId)).includes(group))
            if (await verdict(on, author, draft, { ...of, agentId })) withheld.push(agentId);
      }
      return withheld.length > 0 ? withheld : undefined;
    },
  };
}

/** The relay itself. An operator who writes as `system` is a person, and an integration has a source. */
const isRelay = ({ kind, via, integration }: Author): boolean =>
  kind === "system" && via === null && integration == null;

/** People, integrations that an operator has set up, and guests of a chat that an operator has bound. */
const isTrusted = ({ kind, via, bot }: Author, draft: ParsedDraft): boolean =>
  kind === "user" || kind === "system" || via !== null || (draft.kind === "channel.event" && bot === undefined);

/** Places whose main session takes a message, as daemons find it. */
function placesOf({ kind }: Author, draft: ParsedDraft, threadId: number | undefined): Place[] {
  const chat = draft.kind === "channel.event" ? Conversation.safeParse(draft.payload?.conversation).data : undefined;
  if (chat) return [{ conversation: chat }];
  const thread: Place[] = threadId === undefined ? [] : [{ threadId }];
  return kind === "user" && draft.meta?.schedule === undefined ? ["user", ...thread] : thread;
}
