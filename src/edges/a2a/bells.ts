import type { Sender } from "../../core/messages/send.ts";
import type { Leases } from "../../core/work/leases.ts";
import type { AgentService } from "../../identity/agents/service.ts";
import type { MemberStore } from "../../identity/agents/store-members.ts";
import { isGroup } from "../../identity/agents/target.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Reading, Tx } from "../../kernel/db/database.ts";
import type { Due } from "../../kernel/due/due.ts";
import type { Paused } from "../../protocol/tokens.ts";
import { DELIVER, PUSH, REFRESH } from "./kinds.ts";
import type { OutsideStore } from "./store.ts";
import type { PushStore } from "./store-pushes.ts";

export interface BellParts {
  outside: OutsideStore;
  pushes: PushStore;
  agents: Pick<AgentService, "onDeleted" | "onRemoved">;
  members: MemberStore;
  sender: Sender;
  leases: Leases;
  due: Due;
  clock: Clock;
}

/** Each of them is asked about with every message for a group. */
export const MAX_OUTSIDE = 200;

export type Bells = ReturnType<typeof wireBells>;

/** Hooks that make A2A work due, in the write that causes it. The code of that work is loaded when it runs. */
export function wireBells({ outside, pushes, agents, members, sender, leases, due, clock }: BellParts) {
  /** A copy in memory of who is out there, for presence alone; the rows are the truth. */
  const away = new Set<string>();

  sender.onAppended(async (tx, { threadId }) => {
    if (threadId === null) return;
    for (const id of await pushes.idsOfThread(tx, threadId)) await due.hurry(tx, PUSH, id, clock.now());
  });
  agents.onDeleted(pushes.removeOf);
  leases.onMoved(async (tx, moved, before) => {
    if (moved.kind !== "request" || moved.holder === before.holder) return;
    for (const { id } of await pushes.ofTask(tx, moved.messageId)) await due.hurry(tx, PUSH, id, clock.now());
  });

  agents.onRemoved((id) => away.delete(id));
  sender.onAppended(async (tx, { id, target }) => {
    if (!isGroup(target)) {
      if (await outside.isOutside(tx, target)) await due.hurry(tx, DELIVER, target, clock.now());
      return;
    }
    for (const agentId of await outside.ids(tx, MAX_OUTSIDE))
      if (await members.memberAt(tx, agentId, target, id)) await due.hurry(tx, DELIVER, agentId, clock.now());
  });
  agents.onDeleted(async (tx, agentId) => {
    if (!(await outside.isOutside(tx, agentId))) return;
    await outside.remove(tx, agentId);
    await outside.endAll(tx, agentId, clock.now());
    for (const kind of [REFRESH, DELIVER]) await due.cancel(tx, kind, agentId);
  });

  return {
    /** Pauses what the ended token set: the relay tells nothing until the owner sets it again. */
    async pauseOf(tx: Tx, tokenId: string, why: string): Promise<Paused[]> {
      const rows = await pushes.madeBy(tx, tokenId);
      const pause = createPauses();
      for (const { id, ownerId, configId, delegationId, messageId, isPaused } of rows) {
        await pause();
        if (isPaused) continue;
        await pushes.change(tx, id, { isPaused: true });
        await sender.tell(tx, ownerId, {
          subject: `Notifications about ${delegationId} are paused`,
          body: `${why} Set the configuration ${configId} again to go on.`,
          replyTo: messageId,
          payload: { delegationId, pushNotificationConfigId: configId },
        });
      }
      return rows.map(({ configId, ownerId, delegationId }) => ({
        ...{ kind: "push" as const, id: configId, agentId: ownerId, taskId: delegationId },
      }));
    },

    /** Whether it is out there: then being silent does not mean that it is gone. */
    isOutside: (id: string): boolean => away.has(id),
    /** Once that is on disk. */
    noteOutside: (tx: Tx, id: string): void => tx.afterCommit(() => away.add(id)),
    /** At a start. */
    async load(on: Reading): Promise<void> {
      for (const id of await outside.ids(on, MAX_OUTSIDE)) away.add(id);
    },
  };
}
