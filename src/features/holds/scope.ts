import type { Areas } from "../../core/core.ts";
import type { Beginning, Standing } from "../../core/holding/holding.ts";
import { agentIdOf } from "../../identity/orchestrators/ids.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { HoldScope } from "../../protocol/holds.ts";
import type { SessionRow } from "../sessions/row.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { holdStore as store } from "./store.ts";

/** Live sessions of one agent that are looked at. */
const MAX_LIVE = 200;

/** Whether a hold stands over work that is about to begin. */
export function createScopes({ identity, sessions }: Pick<Areas, "identity"> & { sessions: Sessions }) {
  const { auth, directory } = identity;
  /** Whether any hold may stand: most relays have none, and then nothing is read. */
  let isAny = false;
  /** Holds made since the start: one may be made in the commit that lifts another. */
  let made = 0;

  const tagsOf = async (on: ReadTx, agentId: string): Promise<readonly string[]> =>
    (await directory.byId(on, agentId))?.tags ?? [];

  /** An agent is in a project, and has a tag, while one of its live sessions is of it. */
  const anyLive = async (on: ReadTx, agentId: string, is: (session: SessionRow) => boolean): Promise<boolean> =>
    (await sessions.liveOf(on, agentId, MAX_LIVE)).some(is);

  async function covers(on: ReadTx, scope: HoldScope, { agentId, orchestratorId, project, tags }: Beginning) {
    if (scope === "all") return true;
    if ("orchestratorId" in scope) {
      if (orchestratorId === scope.orchestratorId) return true;
      const boss = agentIdOf(scope.orchestratorId);
      return agentId !== undefined && (agentId === boss || (await auth.hasEnrolled(on, boss, agentId)));
    }
    if ("project" in scope) {
      if (project != null) return project === scope.project;
      return agentId !== undefined && (await anyLive(on, agentId, (session) => session.project === scope.project));
    }
    if (tags?.includes(scope.tag)) return true;
    if (agentId === undefined) return false;
    if ((await tagsOf(on, agentId)).includes(scope.tag)) return true;
    return anyLive(on, agentId, (session) => session.tags.includes(scope.tag));
  }

  async function look(on: ReadTx, beginning: Beginning): Promise<Standing | undefined> {
    for (const { id, scope, reason } of await store.standing(on))
      if (await covers(on, scope, beginning)) return { id, reason };
    return undefined;
  }

  return {
    standsOver: (on: ReadTx, beginning: Beginning): Promise<Standing | undefined> | undefined =>
      isAny ? look(on, beginning) : undefined,

    /** Called in the write that makes one: what comes later in the same commit is held already. */
    noteNew(): void {
      made++;
      isAny = true;
    },
    /** After the commit that lifts one. */
    async noteLifted(tx: Tx): Promise<void> {
      const left = (await store.standing(tx)).length;
      const known = made;
      tx.afterCommit(() => {
        isAny = left > 0 || made > known;
      });
    },
    load: async (on: ReadTx): Promise<void> => {
      isAny = (await store.standing(on)).length > 0;
    },

    /** Whether a live session is in a scope. */
    async includes(on: ReadTx, scope: HoldScope, session: SessionRow): Promise<boolean> {
      const { agentId, orchestratorId, project, tags } = session;
      if (scope !== "all" && "project" in scope) return project === scope.project;
      if (scope !== "all" && "orchestratorId" in scope) return orchestratorId === scope.orchestratorId;
      return scope === "all" || tags.includes(scope.tag) || (await tagsOf(on, agentId)).includes(scope.tag);
    },
  };
}

export type Scopes = ReturnType<typeof createScopes>;
