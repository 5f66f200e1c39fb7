import type { Areas } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import type { WorkRow } from "../../core/work/row.ts";
import { isGroup } from "../../identity/agents/target.ts";
import { mayActAs, type Principal } from "../../identity/auth/caller.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Paused } from "../../protocol/tokens.ts";
import { DELIVER, PUSH, REFRESH } from "./kinds.ts";
import type { Stores } from "./stores.ts";

export type WakeUps = ReturnType<typeof createWakeUps>;

/** Reactions that make A2A work due, in the write that causes it. The code of that work is loaded when it runs. */
export function createWakeUps({ kernel, identity, core }: Areas, { external, pushes }: Stores) {
  const { due, clock } = kernel;
  const { directory, roster } = identity;
  const { messages } = core;

  function wakePushes(tx: Tx, { threadId }: MessageRow): Promise<void> | undefined {
    return threadId === null ? undefined : wakePushesOf(tx, threadId);
  }

  async function wakePushesOf(tx: Tx, threadId: number): Promise<void> {
    for (const id of await pushes.idsOfThread(tx, threadId)) await due.hurry(tx, PUSH, id, clock.now());
  }

  function wakeDelivery(tx: Tx, { id, target }: MessageRow): Promise<void> | undefined {
    if (isGroup(target)) return external.ids(tx).length === 0 ? undefined : wakeMembers(tx, target, id);
    return external.isExternal(tx, target) ? due.hurry(tx, DELIVER, target, clock.now()) : undefined;
  }

  async function wakeMembers(tx: Tx, target: string, id: number): Promise<void> {
    for (const agentId of external.ids(tx))
      if (await directory.memberAt(tx, agentId, target, id)) await due.hurry(tx, DELIVER, agentId, clock.now());
  }

  async function wakeOfTask(tx: Tx, messageId: number): Promise<void> {
    for (const { id } of await pushes.ofTask(tx, messageId)) await due.hurry(tx, PUSH, id, clock.now());
  }

  return {
    wakePushes,
    wakeDelivery,

    followWork(tx: Tx, moved: WorkRow, before: WorkRow): Promise<void> | undefined {
      return moved.kind === "request" && moved.holder !== before.holder ? wakeOfTask(tx, moved.messageId) : undefined;
    },

    async dropAgent(tx: Tx, agentId: string): Promise<void> {
      await pushes.removeOf(tx, agentId);
      if (!external.isExternal(tx, agentId)) return;
      await external.remove(tx, agentId);
      await external.endAll(tx, agentId, clock.now());
      for (const kind of [REFRESH, DELIVER]) await due.cancel(tx, kind, agentId);
    },

    /** Runs once the deletion is on disk. */
    forgetAgent(agentId: string): void {
      roster.elsewhere.delete(agentId);
    },

    /** Pauses push notifications of a token that may set them no more: the relay sends none until the owner sets them again. */
    async pauseOf(tx: Tx, tokenId: string, why: string, left: Principal | null): Promise<void> {
      const pause = createPauses();
      for (const { id, ownerId, configId, delegationId, messageId, isPaused } of await pushes.madeBy(tx, tokenId)) {
        await pause();
        if (isPaused || mayActAs(left, ownerId)) continue;
        await pushes.change(tx, id, { isPaused: true });
        await messages.tell(tx, ownerId, {
          subject: `Notifications about ${delegationId} are paused`,
          body: `${why} Set the configuration ${configId} again to go on.`,
          replyTo: messageId,
          payload: { delegationId, pushNotificationConfigId: configId },
        });
      }
    },

    /** Push notifications that a token has set. */
    async setUpBy(on: ReadTx, tokenId: string): Promise<Paused[]> {
      return (await pushes.madeBy(on, tokenId)).map(({ configId, ownerId, delegationId }) => ({
        ...{ kind: "push" as const, id: configId, agentId: ownerId, taskId: delegationId },
      }));
    },

    /** Notes an external agent once it is on disk: its silence does not mean that it is gone. */
    noteExternal: (tx: Tx, id: string): void => tx.afterCommit(() => roster.elsewhere.add(id)),
    /** Runs at a start. */
    async load(on: ReadTx): Promise<void> {
      for (const id of external.ids(on)) roster.elsewhere.add(id);
    },
  };
}
