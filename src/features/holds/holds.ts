import type { Sweep } from "../../core/retention/sweeps.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { DelegationChange } from "../../protocol/delegations.ts";
import type { DelegationStep } from "../delegations/outcomes.ts";
import type { Runs } from "../runs/runs.ts";
import { createLifting } from "./lifting.ts";
import { createScopes } from "./scope.ts";
import { createHoldService, type Ground } from "./service.ts";
import { holdStore as store } from "./store.ts";

export type Holds = ReturnType<typeof createHolds>;

/** Holds: nothing in their scope begins while they stand. */
export function createHolds(ground: Ground & { runs: Runs }) {
  const { db, clock } = ground.kernel;
  const scopes = createScopes(ground);
  const lifting = createLifting(ground);
  /** Tells watchers that a hold was made or lifted, or that a session under it was seen to stop. */
  const show = (tx: Tx, id: string): void =>
    tx.afterCommit(() => ground.core.inbox.watch.toAll("hold", () => JSON.stringify({ id })));
  const service = createHoldService(ground, { scopes, lifting, show });

  /** A daemon says what it saw to stop, or has not answered. */
  async function followDelegation(tx: Tx, { id }: DelegationChange, { ended }: DelegationStep): Promise<void> {
    if (ended === undefined) return;
    const told = await store.toldBy(tx, id);
    const [first] = told;
    const hold = first && (await store.byId(tx, first.holdId));
    if (!hold || hold.liftedAt !== null) return;
    const { result, error } = await ground.commands.outcomeOf(tx, id);
    for (const session of told) {
      const said = result?.sessions?.find(({ sessionId }) => sessionId === session.sessionId);
      const usual = ended === "answered" ? (hold.mode === "kill" ? "killed" : "interrupted") : "failed";
      const detail = said?.detail ?? (ended === "answered" ? null : (error ?? ended));
      await store.see(tx, { ...session, seen: said?.seen ?? usual, detail, at: clock.now() });
    }
    show(tx, hold.id);
  }

  const lifted: Sweep = {
    name: "holds",
    limit: 50,
    sweep: (tx, { before, limit }) => store.forget(tx, before, limit),
  };

  return {
    service,
    standsOver: scopes.standsOver,
    followDelegation,
    load: (): Promise<void> => db.read((on) => scopes.load(on)),
    dueHandlers: lifting.dueHandlers,
    sweeps: [lifted],
    routes: lateRoutes(["/v1/holds"], async () => (await import("./routes.ts")).holdRoutes(db, service)),
  };
}
