import type { Areas } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import { actingAs, type Caller, isAgent, signedBy } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { BODY_BYTES } from "../../protocol/limits.ts";
import { Problem } from "../../protocol/problem.ts";
import type { RunTold } from "../../protocol/runs.ts";
import type { Delegations } from "../delegations/delegations.ts";
import type { Files } from "../files/files.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { RunAccess } from "./access.ts";
import type { Control } from "./control.ts";
import type { Recorder } from "./recorder.ts";
import type { RunRow } from "./row.ts";
import type { RunSettle } from "./settle.ts";
import type { RunStore } from "./store.ts";

/** Longest text that an agent may say to a run, in characters. */
const MAX_CHARACTERS = 4000;
/** Shortest time between two words of one agent to the runs of another. */
const PACE_MS = 2000;
/** Pairs of agents of which the last word is remembered. */
const MAX_PAIRS = 10_000;
/** Files of one prompt. */
const MAX_FILES = 32;
export const TELL = "tellRun";
/** Id of the answer to what a run has asked, by its message. */
const ANSWER = /^answer:(\d{1,15})$/;

export type Tell = ReturnType<typeof createTell>;

/** Message to a run. `id`: a repeat with the same one changes nothing. */
export interface Message {
  id?: string | undefined;
  text: string;
  files?: string[] | undefined;
}

type Ground = Areas & { delegations: Delegations; files: Files; sessions: Sessions };

interface Parts {
  store: RunStore;
  access: RunAccess;
  control: Control;
  recorder: Recorder;
  settle: RunSettle;
}

/** Talks into runs: steers a running turn, waits for its end, or begins a turn. */
export function createTell(
  { kernel, identity, core, delegations, files, sessions }: Ground,
  { store, access, control, recorder, settle }: Parts,
) {
  const { clock, idempotency } = kernel;
  const { agents, directory, roster } = identity;
  /** Time of the last word of each pair. Forgetting it allows one word too many. */
  const last = new Map<string, number>();

  /** @throws Problem 422, 429 */
  function checkPace(tx: Tx, from: string, { agentId }: RunRow, text: string): void {
    if ([...text].length > MAX_CHARACTERS)
      throw Problem.invalid("/text", `an agent says at most ${MAX_CHARACTERS} characters to a run`);
    const pair = `${from} ${agentId}`;
    const now = clock.now();
    const before = last.get(pair);
    if (before !== undefined && before <= now && now - before < PACE_MS)
      throw new Problem("rate-limited", `${from} may talk to runs of ${agentId} once in ${PACE_MS / 1000} s.`, {
        retryAfterSeconds: Math.max(1, Math.ceil((before + PACE_MS - now) / 1000)),
      });
    tx.afterCommit(() => {
      last.delete(pair);
      last.set(pair, now);
      const [oldest] = last.keys();
      if (last.size > MAX_PAIRS && oldest !== undefined) last.delete(oldest);
    });
  }

  /** The answer or result of what a run has asked for, which its runner gives it; undefined for words of others. */
  async function answered(on: ReadTx, caller: Caller, runId: string, { id }: Message): Promise<RunRow | undefined> {
    const answerId = ANSWER.exec(id ?? "")?.[1];
    const run = answerId === undefined ? undefined : await store.byId(on, runId);
    if (!run || !(await access.runsFor(on, caller, run.agentId))) return undefined;
    const isFor = await delegations.isAnswerFor(on, Number(answerId), runId);
    return isFor || (await isResultFor(on, Number(answerId), runId)) ? run : undefined;
  }

  async function isResultFor(on: ReadTx, messageId: number, runId: string): Promise<boolean> {
    const message = await core.messages.rows.byId(on, messageId);
    const isResult = message?.kind === "announcement" && message.payload !== null;
    return isResult && JSON.parse(message.payload ?? "{}").announcement?.forRunId === runId;
  }

  /** `by`: undefined for an answer, which starts its agent as answers do. */
  async function say(tx: Tx, run: RunRow, by: Author | undefined, said: Message): Promise<RunTold> {
    if (run.status === "ended" || run.status === "waiting") return begin(tx, run, by, said);
    const isQueued = run.status === "queued" && run.approvalId === null;
    const isHeard = isQueued || (run.status === "running" && canSteer(run));
    if (!isHeard) return keep(tx, run, said);
    await recorder.said(tx, run, run.turnId, said);
    await control.tell(tx, run, { do: "message", text: said.text, files: said.files });
    return { turnId: run.turnId, mode: run.status === "running" ? "steered" : "queued" };
  }

  /** Whether the runner hears messages during a turn. */
  const canSteer = ({ agentId }: RunRow): boolean => roster.get(agentId)?.reach === "mid-turn";

  /** @throws Problem 403, 409 where its session is dead and may not be started, 410 */
  async function begin(
    tx: Tx,
    run: RunRow,
    by: Author | undefined,
    { id, text, files: given }: Message,
  ): Promise<RunTold> {
    const facts = directory.facts(tx, run.agentId);
    if (!facts || facts.deletedAt !== null) throw new Problem("gone", `${run.agentId} was deleted: it runs nothing.`);
    const session = run.sessionId === null ? undefined : await sessions.find(tx, run.sessionId);
    if (by && session?.endedAt !== null)
      await core.messages.requireStart(tx, by, run.agentId, run.messageId ?? undefined);
    const { turnId } = await settle.prompt(tx, run, { id, cause: "message", text, files: given });
    return { turnId, mode: "started" };
  }

  /** Keeps a message for the turn that begins when this one is over. */
  async function keep(tx: Tx, run: RunRow, { text, files: given = [] }: Message): Promise<RunTold> {
    const next = await store.turnAfter(tx, run.id, run.turns);
    if (!next) {
      const turn = await settle.addTurn(tx, run, { cause: "message", text, files: given });
      return { turnId: turn.id, mode: "queued" };
    }
    const all = [...new Set([...(next.files === null ? [] : JSON.parse(next.files)), ...given])];
    const whole = `${next.text}\n\n${text}`;
    if (Buffer.byteLength(whole) > BODY_BYTES || all.length > MAX_FILES)
      throw Problem.invalid(
        "/text",
        `is too much for the next turn of ${run.id}, which others have words in: wait for it`,
      );
    await store.saveTurn(tx, { ...next, text: whole, files: all.length ? JSON.stringify(all) : null });
    return { turnId: next.id, mode: "queued" };
  }

  async function authorOf(on: ReadTx, caller: Caller, id: string): Promise<Author> {
    const { kind } = await agents.requireActor(on, caller, id);
    return { id, kind, ...signedBy(caller, id) };
  }

  return {
    /** `POST .../messages`. @throws Problem 403, 404, 409, 410, 422, 429 */
    async tell(tx: Tx, caller: Caller, runId: string, said: Message): Promise<RunTold> {
      const own = await answered(tx, caller, runId, said);
      const run = own ?? (await access.requireDirector(tx, caller, runId));
      const actor = own ? own.agentId : actingAs(caller);
      const { made } = await idempotency.once<RunTold>(tx, {
        ...{ sender: actor, key: said.id === undefined ? undefined : `${runId} ${said.id}`, operation: TELL },
        asked: [said.text, said.files ?? []],
        async make() {
          for (const [index, id] of (said.files ?? []).entries())
            await files.service.requireUsable(tx, actor, id, `/files/${index}`);
          if (isAgent(caller) && !own) checkPace(tx, actor, run, said.text);
          const by = own ? undefined : await authorOf(tx, caller, actor);
          if (by) core.messages.quotas.take(tx, by, "messages");
          const told = await say(tx, run, by, said);
          return { subject: `${told.turnId} ${told.mode}`, made: told };
        },
        async again(subject) {
          const [turnId = "", mode] = subject.split(" ");
          return { turnId, mode: mode as RunTold["mode"] };
        },
      });
      return made;
    },
  };
}
