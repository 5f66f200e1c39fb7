import { type Message, type Part, type Task, TaskState, type TaskStatus } from "@a2a-js/sdk";
import type { Areas } from "../../core/core.ts";
import { reservedPlace } from "../../core/messages/reserved.ts";
import type { Delegations } from "../../features/delegations/delegations.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { DelegationResponse } from "../../protocol/delegations.ts";
import { BODY_BYTES, JSON_BYTES } from "../../protocol/limits.ts";
import { MessageDraft } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import { isSilence } from "../../protocol/silence.ts";
import type { CallRow, ExternalStore } from "./store.ts";
import { isTerminal } from "./tasks.ts";

/** Outcome of a call. */
interface Answer {
  text: string;
  error?: string;
  payload?: Record<string, unknown>;
}

/** The relay, acting in the name of one external agent. */
export const callerAs = (agentId: string): Caller => ({
  ...{ tokenId: "a2a", role: "agent", agentId, groups: [], prefix: null, source: null, personId: null },
  ...{ instanceId: null, requestId: "a2a" },
});

export type Calls = ReturnType<typeof createCalls>;

/** Answers and reports of an external agent, passed on here in its name. */
export function createCalls({ kernel, core, delegations }: Areas & { delegations: Delegations }, store: ExternalStore) {
  const { clock, onError } = kernel;
  const { messages } = core;
  const { holders } = core.work;

  /** Tries to pass a report on. The asker may be gone, or have its answer already. */
  async function say(call: CallRow, act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Problem) || error.status >= 500) throw error;
      const { agentId, messageId } = call;
      onError(error, `a2a: the answer of ${agentId} to message ${messageId} could not be passed on`);
    }
  }

  async function answer(tx: Tx, call: CallRow, { text, error, payload }: Answer): Promise<void> {
    const caller = callerAs(call.agentId);
    const { messageId, delegationId, claimToken: token } = call;
    const body = cut(text, BODY_BYTES);
    const given = payload && JSON.stringify(payload).length <= JSON_BYTES / 3 ? { payload } : {};
    if (delegationId !== null) {
      const failure = error ?? (isSilence(body) ? `${call.agentId} had nothing to say.` : undefined);
      const said = DelegationResponse.parse({ text: body, ...(failure && { error: cut(failure, 4096) }), ...given });
      return say(call, () => delegations.service.respond(tx, caller, delegationId, said, `a2a:${messageId}`));
    }
    if (token !== null) {
      if (error)
        return say(call, () => holders.fail(tx, caller, messageId, { token, error: cut(error, 4096), final: true }));
      return say(call, () =>
        holders.complete(tx, caller, messageId, { token, result: { body, encoding: "plain", ...given } }),
      );
    }
    await reply(tx, call, "response", error ? `${error}\n\n${body}`.trim() : body, `a2a:${messageId}`, given);
  }

  async function reply(tx: Tx, call: CallRow, kind: "response" | "request", body: string, key: string, more = {}) {
    const draft = MessageDraft.parse({
      ...{ to: call.askerId, kind, replyTo: call.messageId, body: cut(body, BODY_BYTES), idempotencyKey: key, ...more },
    });
    let id: number | null = null;
    await say(call, async () => {
      const sent = await messages.send(tx, callerAs(call.agentId), draft, { isVerb: true });
      if (sent.kind === "sent") id = sent.entry.id;
    });
    return id;
  }

  async function progress(tx: Tx, call: CallRow, status: TaskStatus): Promise<void> {
    const text = textIn(status.message?.parts ?? []);
    const id = call.delegationId;
    if (id === null || text === "") return;
    await say(call, () =>
      delegations.service.progress(tx, callerAs(call.agentId), id, { text: cut(text, BODY_BYTES) }, undefined),
    );
  }

  return {
    /** Passes on the answer, given at once or as a task that is over. */
    answer,

    /** Passes on the state of its task. @returns the call, ended when nothing more will come */
    async record(tx: Tx, call: CallRow, result: Task | Message): Promise<CallRow> {
      if ("messageId" in result) {
        await answer(tx, call, { text: textIn(result.parts), ...dataIn(result.parts) });
        return store.changeCall(tx, call, { endedAt: clock.now(), contextId: result.contextId || call.contextId });
      }
      const { id: taskId, contextId, status } = result;
      const known = { taskId, contextId: contextId || null, failures: 0 };
      const state = status?.state ?? TaskState.TASK_STATE_UNSPECIFIED;
      if (isTerminal(state)) {
        await answer(tx, call, answerIn(result, state));
        return store.changeCall(tx, call, { ...known, endedAt: clock.now() });
      }
      const told = `${state} ${status?.message?.messageId ?? ""} ${status?.timestamp ?? ""}`;
      if (!status || told === call.told) return store.changeCall(tx, call, known);
      let { questionId } = call;
      if (state === TaskState.TASK_STATE_INPUT_REQUIRED || state === TaskState.TASK_STATE_AUTH_REQUIRED) {
        const question = textIn(status.message?.parts ?? []) || "More is needed to go on.";
        const key = `a2a:${call.messageId}:${Bun.hash(told).toString(36)}`;
        questionId = (await reply(tx, call, "request", question, key)) ?? questionId;
      } else await progress(tx, call, status);
      return store.changeCall(tx, call, { ...known, told, questionId });
    },

    /** Answers whether the asker still waits. */
    async isWanted(on: ReadTx, call: CallRow): Promise<boolean> {
      if (call.delegationId === null) return true;
      const found = await delegations.service
        .get(on, callerAs(call.agentId), call.delegationId)
        .catch((error: unknown) => {
          if (error instanceof Problem) return undefined;
          throw error;
        });
      return found !== undefined && found.endedAt === null;
    },
  };
}

function answerIn(task: Task, state: TaskState): Answer {
  const parts = task.artifacts.flatMap((artifact) => artifact.parts);
  const said = textIn(task.status?.message?.parts ?? []);
  const text = textIn(parts);
  if (state === TaskState.TASK_STATE_COMPLETED) return { text: text || said, ...dataIn(parts) };
  const error = said || ENDED[state] || "It failed there.";
  if (state !== TaskState.TASK_STATE_REJECTED) return { text, error, ...dataIn(parts) };
  return { text, error, payload: { ...dataIn(parts).payload, rejected: true } };
}

const ENDED: Partial<Record<TaskState, string>> = {
  [TaskState.TASK_STATE_CANCELED]: "It was cancelled there.",
  [TaskState.TASK_STATE_REJECTED]: "It was rejected there.",
};

/** Text, and the addresses of files. */
function textIn(parts: readonly Part[]): string {
  const texts = parts.map(({ content, filename }) => {
    if (content?.$case === "text") return content.value;
    return content?.$case === "url" ? `${filename || "File"}: ${content.value}` : "";
  });
  return texts
    .filter((text) => text !== "")
    .join("\n\n")
    .toWellFormed();
}

/** Data that it answered with; of several parts a list. */
function dataIn(parts: readonly Part[]): { payload?: Record<string, unknown> } {
  const data = parts.flatMap(({ content }) => (content?.$case === "data" ? [content.value as unknown] : []));
  if (data.length === 0) return {};
  const [only] = data;
  const isObject = data.length === 1 && typeof only === "object" && only !== null && !Array.isArray(only);
  const payload = isObject ? (only as Record<string, unknown>) : { data };
  // Names that are the relay's own here mean nothing of the kind there.
  return { payload: reservedPlace({ payload }) === undefined ? payload : { data } };
}

/** No longer than fits, whatever its characters. */
function cut(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const bytes = Buffer.from(text.toWellFormed());
  return bytes.length <= maxBytes
    ? text
    : `${bytes
        .subarray(0, maxBytes - 8)
        .toString()
        .replace(/\uFFFD+$/, "")}…`;
}
