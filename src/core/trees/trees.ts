import type { ReadTx } from "../../kernel/db/database.ts";
import type { Hooks } from "../../kernel/hooks.ts";
import { MAX_DEPTH } from "../../protocol/limits.ts";
import { Problem } from "../../protocol/problem.ts";

/** Most nodes that may be open at once. */
export interface Budgets {
  /** Begun by one agent. */
  perAgent: number;
  /** Of one tree, its root included. */
  perRoot: number;
}

/** A place in a tree of agents that let others work for them. */
export interface TreeNode {
  id: string;
  rootId: string;
  depth: number;
}

/** A node with its place above, and the message that it works on or asks by. */
export interface PlacedNode extends TreeNode {
  parentId: string | null;
  /** Agent that waits for its answer. */
  fromId: string | null;
  messageId: number | null;
}

/** An agent that lets others work for it. */
export interface Asker {
  agentId: string;
  /** Header Signalbox-Run of its call. */
  token: string | null;
  /** Session whose token it calls with. */
  sessionId: string | null;
  /** Delegation that it works on. */
  delegationId: string | null;
}

export type Trees = ReturnType<typeof createTrees>;

/** Depth and budgets of everything that hangs on one root, over all areas whose nodes hang there. */
export function createTrees(hooks: Hooks, { perAgent, perRoot }: Budgets) {
  /** Open nodes that an agent began, counted no further than `limit`. */
  const openFrom = hooks.question<[agentId: string, limit: number], number>("trees.openFrom");
  /** Open nodes of a tree below its root, counted no further than `limit`. */
  const openBelow = hooks.question<[rootId: string, limit: number], number>("trees.openBelow");

  /** Node of an id. */
  const node = hooks.question<[id: string], PlacedNode>("trees.node");
  /**
   * The run of an agent that a new node hangs on: the one that its token names, else the live one of its session, else the one
   * that serves its delegation.
   */
  const running = hooks.question<[asker: Asker], PlacedNode>("trees.running");

  return {
    openFrom,
    openBelow,
    node,
    running,

    /** @throws Problem 409 too-deep */
    checkDepth(parent: TreeNode | undefined): void {
      if (depthUnder(parent) > MAX_DEPTH)
        throw new Problem("too-deep", `${parent?.id} is at depth ${MAX_DEPTH}: nothing can be asked on from there.`);
    },

    /** @throws Problem 409 budget-exceeded */
    async checkBudgets(on: ReadTx, agentId: string, parent: TreeNode | undefined): Promise<void> {
      if (sum(await openFrom.all(on, agentId, perAgent)) >= perAgent)
        throw new Problem("budget-exceeded", `${agentId} has ${perAgent} requests and runs open, its limit.`);
      if (parent && 1 + sum(await openBelow.all(on, parent.rootId, perRoot)) >= perRoot)
        throw new Problem("budget-exceeded", `Tree ${parent.rootId} has ${perRoot} requests and runs open, its limit.`);
    },
  };
}

export const depthUnder = (parent: TreeNode | undefined): number => (parent?.depth ?? 0) + 1;

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
