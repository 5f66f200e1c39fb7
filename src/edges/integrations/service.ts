import type { Areas } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import type { Tasks } from "../../features/tasks/tasks.ts";
import { type Caller, readsAll, requireOperator } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import type {
  Integration,
  Mapping,
  ParsedIntegrationDraft,
  SavedIntegration,
  Verification,
} from "../../protocol/integrations.ts";
import { Problem } from "../../protocol/problem.ts";
import { type List, toTime } from "../../protocol/wire.ts";
import type { IntegrationRow } from "./row.ts";
import type { Secrets } from "./secrets.ts";
import type { IntegrationStore } from "./store.ts";
import { secretFlaw } from "./verify.ts";

/** Form in which each platform proves its events. */
const VERIFIED_BY: Record<Mapping, Verification> = {
  generic: "standard",
  paths: "standard",
  github: "github",
  sentry: "sentry",
  alertmanager: "token",
  grafana: "token",
};

export type IntegrationService = ReturnType<typeof createIntegrationService>;

/** Verbs of integrations. */
export function createIntegrationService(areas: Areas & { tasks: Tasks }, store: IntegrationStore, secrets: Secrets) {
  const { clock } = areas.kernel;
  const { activity, auth } = areas.identity;
  const { lifecycle } = areas.tasks;

  /** Lets operators and viewers pass. @throws Problem 403 */
  function requireReader(caller: Caller): void {
    if (!readsAll(caller)) throw new Problem("forbidden", "Only operators, members and viewers may read integrations.");
  }

  /** @throws Problem 404 */
  async function requireIntegration(on: ReadTx, source: string): Promise<IntegrationRow> {
    return (await store.bySource(on, source)) ?? Problem.missing("integration", source);
  }

  /** Makes a secret when there is none, when one is asked for, and when the old one has another form. */
  function chooseSecret(
    source: string,
    before: IntegrationRow | undefined,
    draft: ParsedIntegrationDraft,
    verify: Verification,
  ) {
    if (draft.secret !== undefined) {
      const flaw = secretFlaw(verify, draft.secret);
      if (flaw) throw Problem.invalid("/secret", flaw);
      return { nonce: secrets.freshNonce(), sealed: secrets.seal(source, draft.secret), isMade: false };
    }
    if (before && before.verify === verify && !draft.rotate)
      return { nonce: before.nonce, sealed: before.sealed, isMade: false };
    return { nonce: secrets.freshNonce(), sealed: null, isMade: true };
  }

  return {
    requireIntegration,
    find: store.bySource,
    secretOf: secrets.of,

    /** `PUT /v1/integrations/{source}`: replaces it. @throws Problem 403, 422 */
    async put(tx: Tx, caller: Caller, source: string, draft: ParsedIntegrationDraft) {
      requireOperator(caller);
      const before = await store.bySource(tx, source);
      const target =
        draft.target === undefined ? null : await lifecycle.checkTarget(tx, authorOf(source), draft.target);
      const verify = draft.verify ?? VERIFIED_BY[draft.mapping];
      const { isMade, ...kept } = chooseSecret(source, before, draft, verify);
      const row: IntegrationRow = {
        source,
        target,
        topic: draft.topic ?? null,
        severity: draft.severity ?? null,
        mapping: draft.mapping,
        paths: draft.paths ?? null,
        verify,
        ...kept,
        createdAt: before?.createdAt ?? clock.now(),
        updatedAt: clock.now(),
      };
      await store.put(tx, row);
      const what = { target, mapping: row.mapping, verify, newSecret: row.nonce !== before?.nonce };
      await activity.record(tx, caller, before ? "integration.changed" : "integration.created", source, what);
      const saved: SavedIntegration = { ...toIntegration(row), ...(isMade && { secret: secrets.of(row) }) };
      return { row: saved, created: before === undefined };
    },

    /** `GET /v1/integrations/{source}` @throws Problem 403, 404 */
    async get(on: ReadTx, caller: Caller, source: string): Promise<Integration> {
      requireReader(caller);
      return toIntegration(await requireIntegration(on, source));
    },

    /** `GET /v1/integrations`, by name. @throws Problem 403 */
    async list(on: ReadTx, caller: Caller, query: PageQuery<string>): Promise<List<Integration>> {
      requireReader(caller);
      const read = (count: number, after: string | undefined) => store.page(on, after, count);
      return readList(query, read, toIntegration, ({ source }) => source);
    },

    /** `DELETE /v1/integrations/{source}`: its tasks stay, its tokens are revoked. @throws Problem 403, 404 */
    async remove(tx: Tx, caller: Caller, source: string): Promise<void> {
      requireOperator(caller);
      await requireIntegration(tx, source);
      await store.remove(tx, source);
      await auth.revokeAllFor(tx, source);
      await activity.record(tx, caller, "integration.deleted", source);
    },
  };
}

/** Author of the tasks that an integration reports. */
export const authorOf = (integration: string | null): Author => ({
  ...{ id: "system", kind: "system", via: null, source: "integration", integration },
});

function toIntegration(row: IntegrationRow): Integration {
  const { nonce: _, sealed: __, createdAt, updatedAt, ...shown } = row;
  return { ...shown, createdAt: toTime(createdAt), updatedAt: toTime(updatedAt) };
}
