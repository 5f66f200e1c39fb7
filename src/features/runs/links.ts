import type { Tx } from "../../kernel/db/database.ts";
import type { RunLink } from "../../protocol/runs.ts";
import type { RunRow } from "./row.ts";
import type { RunSettle } from "./settle.ts";
import type { RunStore } from "./store.ts";

/** Links that a run keeps, newest last. */
const MAX_LINKS = 200;

/** Links with those told now. One that is told again replaces what was known of it. */
export function mergedLinks(known: readonly RunLink[], told: readonly RunLink[]): RunLink[] {
  const links = new Map([...known, ...told].map((link) => [nameOf(link), link]));
  return [...links.values()].slice(-MAX_LINKS);
}

const nameOf = ({ kind, url, ref }: RunLink): string => `${kind} ${url ?? ref}`;

/** Links of runs that others than their runner tell of. */
export function createRunLinks({ store, settle }: { store: RunStore; settle: RunSettle }) {
  return {
    /** Notes a link, or a new state of one. Answers the run, and the link as it was known before. */
    async note(
      tx: Tx,
      runId: string,
      link: RunLink,
    ): Promise<{ run: RunRow | undefined; before: RunLink | undefined }> {
      const run = await store.byId(tx, runId);
      if (!run) return { run, before: undefined };
      const known: RunLink[] = JSON.parse(run.links);
      const before = known.find((one) => nameOf(one) === nameOf(link));
      const links = JSON.stringify(mergedLinks(known, [{ ...before, ...link }]));
      if (links === run.links) return { run, before };
      const now: RunRow = { ...run, links };
      await settle.save(tx, now, run);
      return { run: now, before };
    },
  };
}
