import type { Areas } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import { type Caller, readsAll, requireOperator } from "../../identity/auth/caller.ts";
import { agentIdOf, orchestratorIdOf } from "../../identity/orchestrators/ids.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { ParsedProfile, Profile } from "../../protocol/profiles.ts";
import { type List, toTime } from "../../protocol/wire.ts";
import { type ProfileRow, profileStore as store } from "./store.ts";

const SYSTEM: Author = { id: "system", kind: "system", via: null };

export type ProfileService = ReturnType<typeof createProfileService>;

/** The verbs of profiles. The daemons that one names hear of each change. */
export function createProfileService({ kernel, identity, core }: Areas) {
  const { clock } = kernel;
  const { activity, agents, orchestrators } = identity;

  /** @throws Problem 404 */
  const require = async (on: ReadTx, name: string): Promise<ProfileRow> =>
    (await store.byName(on, name)) ?? Problem.missing("profile", name);

  /** Tells daemons by an urgent message for programs: they read the profile anew. */
  async function tell(tx: Tx, name: string, rows: readonly (ProfileRow | undefined)[], isGone: boolean): Promise<void> {
    const named = new Set(rows.flatMap((row) => row?.body.agents.map(({ orchestratorId }) => orchestratorId) ?? []));
    for (const id of named)
      await core.messages.post(tx, SYSTEM, {
        ...{ to: agentIdOf(id), kind: "control", urgent: true, subject: `Profile ${name}` },
        body: isGone ? `Profile ${name} was deleted.` : `Profile ${name} has changed.`,
        payload: { profile: { name, deleted: isGone } },
      });
  }

  /** Every orchestrator that a profile names is there, and the agents are of it. @throws Problem 422 */
  async function checkAgents(on: ReadTx, { agents: wanted = [] }: ParsedProfile): Promise<void> {
    for (const [index, { agentId, orchestratorId }] of wanted.entries()) {
      const at = `/agents/${index}`;
      if (!(await orchestrators.find(on, orchestratorId)))
        throw Problem.invalid(`${at}/orchestratorId`, `there is no orchestrator ${orchestratorId}`);
      const prefix = await orchestrators.prefixOf(on, orchestratorId);
      if (prefix !== null && !agentId.startsWith(prefix))
        throw Problem.invalid(
          `${at}/agentId`,
          `has to begin with ${prefix}: these are the agents of ${orchestratorId}`,
        );
    }
    const ids = wanted.map(({ agentId }) => agentId);
    const twice = ids.findIndex((id, index) => ids.indexOf(id) !== index);
    if (twice !== -1) throw Problem.invalid(`/agents/${twice}/agentId`, "is there twice");
  }

  /** Orchestrator that a caller reads for; null for people. @throws Problem 403, 409 */
  async function readerOf(on: ReadTx, caller: Caller): Promise<string | null> {
    if (readsAll(caller)) return null;
    if (caller.role !== "orchestrator" || caller.agentId === null)
      throw new Problem("forbidden", "Profiles are read by people, and by the orchestrators that they name.");
    await agents.requireActor(on, caller, caller.agentId);
    return orchestratorIdOf(caller.agentId);
  }

  return {
    /** `PUT /v1/profiles/{name}`. @throws Problem 403, 422 */
    async put(tx: Tx, caller: Caller, name: string, draft: ParsedProfile) {
      requireOperator(caller);
      await checkAgents(tx, draft);
      const before = await store.byName(tx, name);
      const row: ProfileRow = { name, body: bodyOf(draft), person: caller.personId, updatedAt: clock.now() };
      await store.put(tx, row);
      if (!before || !Bun.deepEquals(before.body, row.body)) {
        await tell(tx, name, [before, row], false);
        await activity.record(tx, caller, before ? "profile.changed" : "profile.added", name, {
          provider: draft.provider,
        });
      }
      return { row: toProfile(row), created: !before };
    },

    /** `DELETE /v1/profiles/{name}`. @throws Problem 403, 404 */
    async remove(tx: Tx, caller: Caller, name: string): Promise<void> {
      requireOperator(caller);
      const row = await require(tx, name);
      await store.remove(tx, name);
      await tell(tx, name, [row], true);
      await activity.record(tx, caller, "profile.removed", name, {});
    },

    /** An orchestrator reads every profile: a spawn may name any. @throws Problem 403, 404, 409 */
    async get(on: ReadTx, caller: Caller, name: string): Promise<Profile> {
      await readerOf(on, caller);
      return toProfile(await require(on, name));
    },

    /** By name; an orchestrator sees those that name it. @throws Problem 403, 409 */
    async list(
      on: ReadTx,
      caller: Caller,
      query: { orchestrator?: string | undefined } & PageQuery<string>,
    ): Promise<List<Profile>> {
      const reader = await readerOf(on, caller);
      if (reader !== null && query.orchestrator !== undefined && query.orchestrator !== reader)
        throw new Problem("forbidden", `This token lists the profiles of ${reader} alone.`);
      const of = query.orchestrator ?? reader;
      const isShown = ({ body }: ProfileRow) => of === null || body.agents.some((one) => one.orchestratorId === of);
      return readList(
        query,
        (count, after = "") => pageOf(on, isShown, after, count),
        toProfile,
        ({ name }) => name,
      );
    },

    /** @throws Problem 422 for a profile that is not there, or is for another provider */
    async check(on: ReadTx, name: string | undefined, provider: string, pointer: string): Promise<void> {
      if (name === undefined) return;
      const row = await store.byName(on, name);
      if (!row) throw Problem.invalid(pointer, `there is no profile ${name}`);
      if (row.body.provider !== provider)
        throw Problem.invalid(pointer, `profile ${name} is for ${row.body.provider}, not ${provider}`);
    },
  };
}

/** Rows that are shown, by name: reads on while a page is not full. */
async function pageOf(on: ReadTx, isShown: (row: ProfileRow) => boolean, after: string, count: number) {
  const found: ProfileRow[] = [];
  for (let last = after; found.length < count; ) {
    const rows = await store.page(on, last, 100);
    found.push(...rows.filter(isShown));
    const end = rows.at(-1);
    if (!end || rows.length < 100) break;
    last = end.name;
  }
  return found.slice(0, count);
}

const bodyOf = (draft: ParsedProfile): ProfileRow["body"] => ({
  ...{ provider: draft.provider, model: draft.model ?? null, systemPrompt: draft.systemPrompt ?? null },
  ...{ tools: draft.tools ?? null, cwd: draft.cwd ?? null, worktree: draft.worktree ?? null },
  ...{ caps: draft.caps ?? null, onLimit: draft.onLimit },
  onStuck: draft.onStuck ?? [{ do: "tell", afterSeconds: 1 }],
  ...{ agents: draft.agents ?? [], restart: draft.restart ?? { policy: "onFailure", maxPerHour: 6 } },
});

const toProfile = ({ name, body, updatedAt }: ProfileRow): Profile => ({
  // Profiles of before have no such member.
  ...{ name, ...body, worktree: body.worktree ?? null },
  updatedAt: toTime(updatedAt),
});
