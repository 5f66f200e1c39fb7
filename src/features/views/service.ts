import type { Areas } from "../../core/core.ts";
import { type Caller, isPerson, readsAll } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import { Problem } from "../../protocol/problem.ts";
import { MAX_VIEWS, type ParsedView, type View } from "../../protocol/views.ts";
import { type List, toTime } from "../../protocol/wire.ts";
import { viewStore as store, type ViewRow } from "./store.ts";

/** Owner of views that everybody sees. */
const ALL = "";

export type ViewService = ReturnType<typeof createViewService>;

const toView = ({ name, page, search, person, updatedAt }: ViewRow): View => ({
  ...{ name, page, search, shared: person === ALL, updatedAt: toTime(updatedAt) },
});

const ownerOf = ({ personId }: Caller): string => personId ?? ALL;

/** The verbs of saved views: each person has their own, and all have those that are shared. */
export function createViewService({ kernel }: Areas) {
  const { clock } = kernel;

  /** @throws Problem 403 */
  function requireReader(caller: Caller): void {
    if (!readsAll(caller)) throw new Problem("forbidden", "People alone have saved views.");
  }

  /** @throws Problem 403 */
  function requireWriter(caller: Caller): void {
    if (!isPerson(caller)) throw new Problem("forbidden", "Operators and members alone keep views.");
  }

  /** Own views come before shared ones of the same name. */
  async function pageOf(on: ReadTx, caller: Caller, after: string, limit: number): Promise<ViewRow[]> {
    const owners = new Set([ownerOf(caller), ALL]);
    const lists = await Promise.all([...owners].map((owner) => store.page(on, owner, after, limit)));
    const byName = new Map(lists.reverse().flatMap((rows) => rows.map((row) => [row.name, row] as const)));
    return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limit);
  }

  return {
    /** `PUT /v1/views/{name}`. @throws Problem 403, 409 */
    async put(tx: Tx, caller: Caller, name: string, { page, search }: ParsedView) {
      requireWriter(caller);
      const person = ownerOf(caller);
      const before = await store.find(tx, { person, name });
      if (!before && (await store.count(tx, person)) >= MAX_VIEWS)
        throw new Problem("budget-exceeded", `${MAX_VIEWS} views are kept, the most there may be. Delete one first.`);
      const row: ViewRow = { person, name, page, search, updatedAt: clock.now() };
      await store.put(tx, row);
      return { row: toView(row), created: !before };
    },

    /** `DELETE /v1/views/{name}`. @throws Problem 403, 404 */
    async remove(tx: Tx, caller: Caller, name: string): Promise<void> {
      requireWriter(caller);
      const key = { person: ownerOf(caller), name };
      if (!(await store.find(tx, key))) {
        if (await store.find(tx, { person: ALL, name }))
          throw new Problem("forbidden", `View ${name} is shared: a token without a person deletes it.`);
        Problem.missing("view", name);
      }
      await store.remove(tx, key);
    },

    /** @throws Problem 403, 404 */
    async get(on: ReadTx, caller: Caller, name: string): Promise<View> {
      requireReader(caller);
      const own = await store.find(on, { person: ownerOf(caller), name });
      return toView(own ?? (await store.find(on, { person: ALL, name })) ?? Problem.missing("view", name));
    },

    /** By name: the person's own, and those that are shared. @throws Problem 403 */
    async list(on: ReadTx, caller: Caller, query: PageQuery<string>): Promise<List<View>> {
      requireReader(caller);
      return readList(
        query,
        (count, after = "") => pageOf(on, caller, after, count),
        toView,
        ({ name }) => name,
      );
    },
  };
}
