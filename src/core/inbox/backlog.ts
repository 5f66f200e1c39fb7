import type { Caller } from "../../identity/auth/caller.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { Span } from "../../protocol/ids.ts";
import type { Entry } from "../../protocol/messages.ts";
import type { LogEntry } from "../messages/entry.ts";
import type { WorkRow } from "../work/row.ts";
import type { Poll, Polls } from "./poll.ts";

/** Entries of one poll of a backlog. */
export const BACKLOG_PAGE = 256;
/** Entries of a long backlog that are searched for urgent ones. */
const MAX_UNREAD = 4 * BACKLOG_PAGE;
const MAX_PAGES = 16;
const MAX_BYTES = 4 * 1024 * 1024;

/** Unread entries of an agent from the first page on, without settled ones. */
export interface Backlog {
  first: Poll;
  /** Oldest first, with the state of their work. */
  unread: { entry: LogEntry; work: WorkRow | undefined }[];
  /** Further entries follow. */
  more: boolean;
  /** Visited ids, oldest first. */
  ids: readonly number[];
  settled: ReadonlySet<number>;
}

/** Reads pages until there is enough to choose from. Each is a read and a turn of its own, so a long backlog delays no other call. */
export async function backlogFrom(first: Poll, next: (after: number) => Promise<Poll>): Promise<Backlog> {
  const pages = [first];
  let unread = unreadIn(first);
  const pause = createPauses();
  for (let last = first; last.page.more && pages.length < MAX_PAGES && isRoomFor(unread); ) {
    last = await next(last.next);
    unread = [...unread, ...unreadIn(last)];
    pages.push(last);
    await pause();
  }
  return {
    ...{ first, unread, more: pages.at(-1)?.page.more ?? false },
    ids: pages.flatMap(({ page }) => page.entries.map(({ id }) => id)),
    settled: new Set(pages.flatMap(({ page, settled }) => [...settled, ...forRunner(page.entries)])),
  };
}

const unreadIn = ({ page, states, settled }: Poll): Backlog["unread"] =>
  page.entries
    .filter((entry) => !settled.has(entry.id) && !isForRunner(entry))
    .map((entry) => ({ entry, work: states.get(entry.id) }));

const FOR_RUNNERS = /"(?:run|approval)":\{/;

/** Words of the relay to a runner are for its program: no model is shown them. */
function isForRunner({ kind, from, json }: LogEntry): boolean {
  if (kind !== "control" || from !== "system" || !FOR_RUNNERS.test(json)) return false;
  const { payload } = JSON.parse(json) as Pick<Entry, "payload">;
  return payload?.run !== undefined || payload?.approval !== undefined;
}

const forRunner = (entries: readonly LogEntry[]): number[] => entries.filter(isForRunner).map(({ id }) => id);

const isRoomFor = (unread: Backlog["unread"]): boolean =>
  unread.length < MAX_UNREAD && unread.reduce((sum, { entry }) => sum + entry.json.length, 0) < MAX_BYTES;

/** Id up to which a backlog is handled once `shown` is handled; settled entries count as handled. null: not even the oldest. */
export function ackOf({ ids, settled }: Backlog, shown: readonly number[]): number | null {
  const known = new Set(shown);
  const hidden = ids.findIndex((id) => !settled.has(id) && !known.has(id));
  return (hidden < 0 ? ids.at(-1) : ids[hidden - 1]) ?? null;
}

/** Most gaps kept apart; with more, the whole stretch counts as handed over. */
const MAX_GAPS = 32;

/** Notes the entries that a model was shown. Folded, omitted and settled ones have not reached it. */
export function noteShown(
  polls: Pick<Polls, "offered">,
  caller: Caller,
  agentId: string,
  { first, settled, unread }: Backlog,
  { shown, ack }: { shown: readonly number[]; ack: number | null },
  by: Parameters<Polls["offered"]>[2]["by"],
): void {
  const note = ({ after, upTo }: Span) => {
    const handed = shown.filter((id) => id > after && id <= upTo);
    const oldestAt = unread.find(({ entry }) => entry.id === Math.min(...handed))?.entry.lineage.createdAt;
    if (upTo > after) polls.offered(caller, agentId, { after, upTo, entries: handed.length, by, oldestAt });
  };
  const upTo = ack ?? first.after;
  const gaps = [...settled].filter((id) => id <= upTo).sort((a, b) => a - b);
  let after = first.after;
  for (const gap of gaps.length > MAX_GAPS ? [] : gaps) {
    note({ after, upTo: gap - 1 });
    after = gap;
  }
  note({ after, upTo });
  for (const id of shown) if (id > upTo) note({ after: id - 1, upTo: id });
}
