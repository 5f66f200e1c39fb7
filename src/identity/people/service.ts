import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import type { ParsedPerson, Person, PersonSender } from "../../protocol/people.ts";
import { Problem } from "../../protocol/problem.ts";
import { type List, toTime, toTimeOrNull } from "../../protocol/wire.ts";
import { type Caller, readsAll, requireOperator } from "../auth/caller.ts";
import type { AuthService } from "../auth/service.ts";
import type { Base } from "../base.ts";
import type { PersonRow } from "./row.ts";

export type PeopleService = ReturnType<typeof createPeopleService>;

/** People: adding, changing and deleting them, and finding one by a chat account. */
export function createPeopleService({ kernel, activity, rows }: Base, auth: AuthService) {
  const { clock } = kernel;
  const { people: store } = rows;
  /** Ids of the people with the role `operator`: heads of envelopes ask for them. */
  const operatorIds = new Set<string>();

  /** @throws Problem 404 */
  async function require(on: ReadTx, id: string): Promise<PersonRow> {
    return (await store.byId(on, id)) ?? Problem.missing("person", id);
  }

  /** @throws Problem 403 */
  function requireReader(caller: Caller): void {
    if (!readsAll(caller)) throw new Problem("forbidden", "Only operators, members and viewers may read people.");
  }

  async function live(on: ReadTx, id: string | null): Promise<PersonRow | undefined> {
    const row = id === null ? undefined : await store.byId(on, id);
    return row?.deletedAt === null ? row : undefined;
  }

  /** @throws Problem 409, 422 */
  async function check(on: ReadTx, id: string, { ladder = [], senders = [] }: ParsedPerson): Promise<void> {
    for (const [index, next] of ladder.entries()) {
      if (next === id) throw Problem.invalid(`/ladder/${index}`, "is the person itself");
      if (!(await live(on, next))) throw Problem.invalid(`/ladder/${index}`, `there is no person ${next}`);
    }
    const seen = new Set<string>();
    for (const [index, sender] of senders.entries()) {
      const owner = await store.bySender(on, sender);
      if (owner !== undefined && owner !== id)
        throw new Problem("conflict", `${sender.senderId} at ${sender.channelId} is a chat account of ${owner}.`);
      const key = JSON.stringify([sender.channelId, sender.senderId]);
      if (seen.has(key)) throw Problem.invalid(`/senders/${index}`, "is there twice");
      seen.add(key);
    }
  }

  async function save(tx: Tx, row: PersonRow): Promise<void> {
    await store.put(tx, row);
    tx.afterCommit(() => {
      if (row.role === "operator" && row.deletedAt === null) operatorIds.add(row.id);
      else operatorIds.delete(row.id);
    });
  }

  async function show(on: ReadTx, row: PersonRow): Promise<Person> {
    const senders = await store.sendersOf(on, row.id);
    return { ...row, senders, createdAt: toTime(row.createdAt), deletedAt: toTimeOrNull(row.deletedAt) };
  }

  return {
    /** `PUT /v1/people/{id}`. @throws Problem 403, 409, 422 */
    async put(tx: Tx, caller: Caller, id: string, body: ParsedPerson): Promise<{ row: Person; created: boolean }> {
      requireOperator(caller);
      const before = await store.byId(tx, id);
      if (before && before.deletedAt !== null)
        throw new Problem("deleted", `${id} was deleted: what they did goes on naming them. Take another id.`);
      await check(tx, id, body);
      const row: PersonRow = {
        ...{ id, name: body.name, role: body.role, notify: body.notify ?? before?.notify ?? [] },
        quietHours: body.quietHours === undefined ? (before?.quietHours ?? null) : body.quietHours,
        ladder: body.ladder ?? before?.ladder ?? [],
        ...{ createdAt: before?.createdAt ?? clock.now(), deletedAt: null },
      };
      await save(tx, row);
      if (body.senders) await store.setSenders(tx, id, body.senders);
      if (before && before.role !== row.role) await auth.changeRole(tx, before, row);
      const what = before ? { fields: Object.keys(body), role: row.role } : { role: row.role };
      await activity.record(tx, caller, before ? "person.changed" : "person.added", id, what);
      return { row: await show(tx, row), created: !before };
    },

    /** `GET /v1/people/{id}`, deleted ones too. @throws Problem 403, 404 */
    async get(on: ReadTx, caller: Caller, id: string): Promise<Person> {
      requireReader(caller);
      return show(on, await require(on, id));
    },

    /** `GET /v1/people`. @throws Problem 403 */
    async list(on: ReadTx, caller: Caller, { limit, page = "" }: PageQuery<string>): Promise<List<Person>> {
      requireReader(caller);
      return readList(
        { limit, page },
        (count, after) => store.page(on, after ?? "", count),
        (row) => show(on, row),
        ({ id }) => id,
      );
    },

    /** `DELETE /v1/people/{id}`: their tokens end with them. Repeating it changes nothing. @throws Problem 403, 404 */
    async remove(tx: Tx, caller: Caller, id: string): Promise<void> {
      requireOperator(caller);
      const row = await require(tx, id);
      if (row.deletedAt !== null) return;
      await save(tx, { ...row, deletedAt: clock.now() });
      await store.setSenders(tx, id, []);
      const revoked = await auth.revokeAllOfPerson(tx, id);
      await activity.record(tx, caller, "person.deleted", id, { revoked });
    },

    /** A person that was not deleted. */
    live,

    operators: store.operators,

    isOperator: (id: string): boolean => operatorIds.has(id),
    /** Fills the copy in memory. Called once, before anything is asked. */
    async load(on: ReadTx): Promise<void> {
      for (const id of await store.operatorIds(on)) operatorIds.add(id);
    },

    /** Person that writes from a chat account. */
    async bySender(on: ReadTx, sender: PersonSender): Promise<PersonRow | undefined> {
      return live(on, (await store.bySender(on, sender)) ?? null);
    },
  };
}
