import type { Caller } from "../auth/caller.ts";
import type { Looked, Looks } from "./look.ts";

/** How many entries one look at a backlog has. */
export const BACKLOG_PAGE = 256;
/** How much of a long backlog is looked at for urgent ones. */
const MAX_PAGES = 4;
const MAX_BYTES = 4 * 1024 * 1024;

/** Pages until there is enough to choose from. Each is a read of its own: a long backlog keeps nobody waiting. */
export async function backlogFrom(
  first: Looked,
  next: (after: number) => Promise<Looked>,
): Promise<[Looked, ...Looked[]]> {
  const pages: [Looked, ...Looked[]] = [first];
  let bytes = sizeOf(first);
  for (let last = first; last.page.more && pages.length < MAX_PAGES && bytes < MAX_BYTES; ) {
    last = await next(last.next);
    bytes += sizeOf(last);
    pages.push(last);
  }
  return pages;
}

/** What was shown to a model, and no more: what was folded or left out has not reached it. */
export function noteShown(
  looks: Pick<Looks, "offered">,
  caller: Caller,
  agentId: string,
  { after, shown, ack }: { after: number; shown: readonly number[]; ack: number | null },
  by: Parameters<Looks["offered"]>[2]["by"],
): void {
  const note = (after: number, upTo: number, entries: number) =>
    looks.offered(caller, agentId, { after, upTo, entries, by });
  const upTo = ack ?? after;
  if (upTo > after) note(after, upTo, shown.filter((id) => id <= upTo).length);
  for (const id of shown) if (id > upTo) note(id - 1, id, 1);
}

const sizeOf = ({ page }: Looked): number => page.entries.reduce((sum, entry) => sum + entry.json.length, 0);
