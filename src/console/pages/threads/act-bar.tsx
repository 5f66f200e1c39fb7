import { type BulkDraft, MAX_BULK_IDS } from "../../../protocol/bulk.ts";
import type { ThreadSummary } from "../../../protocol/threads.ts";
import { api } from "../../api.ts";
import { useAct } from "../../ui/act.ts";
import { useBeginBulk } from "../../ui/bulk.tsx";
import { Button } from "../../ui/button.tsx";
import { type Chosen, inParts } from "../../ui/chosen.ts";
import { ChosenBar } from "../../ui/chosen-bar.tsx";

interface Props {
  threads: readonly ThreadSummary[];
  chosen: Chosen;
  isArchived: boolean;
}

const counted = (count: number): string => (count === 1 ? "1 thread" : `${count} threads`);

async function restore(ids: readonly number[]): Promise<void> {
  for (const id of ids) await api.threads.change(id, { archived: false });
}

/** Reads, archives or restores the threads that are chosen. */
export function ActBar({ threads, chosen, isArchived }: Props) {
  const begin = useBeginBulk();
  const of = threads.filter(({ id }) => chosen.ids.has(String(id)));
  const ids = of.map(({ id }) => id);
  const drafts = inParts(ids, MAX_BULK_IDS).map((some): BulkDraft => ({ action: "archive", filter: { ids: some } }));
  const said = counted(ids.length);
  const read = useAct(async () => {
    for (const { id, unread, lastMessage } of of)
      if (unread > 0 && lastMessage) await api.threads.read(id, lastMessage.id);
    chosen.clear();
    return { said: `${said} marked as read` };
  });
  const archive = useAct(async () => {
    const begun = await begin(drafts);
    chosen.clear();
    async function undo(): Promise<void> {
      for (const id of begun) if ((await api.bulk.get(id)).endedAt === null) await api.bulk.stop(id);
      await restore(ids);
    }
    return { said: `${said} archived: each comes back with its next message for you`, undo };
  });
  const bring = useAct(async () => {
    await restore(ids);
    chosen.clear();
    return { said: `${said} back in the list`, undo: () => begin(drafts) };
  });
  const isBusy = read.isPending || archive.isPending || bring.isPending;
  const all = { name: "Choose all", choose: () => chosen.add(threads.map(({ id }) => String(id))) };
  return (
    <ChosenBar
      words={ids.length === 0 ? undefined : `${ids.length} chosen`}
      clear={chosen.clear}
      all={ids.length < threads.length ? all : undefined}
    >
      {of.some(({ unread }) => unread > 0) && (
        <Button disabled={isBusy} onClick={() => read.mutate(undefined)}>
          Mark as read
        </Button>
      )}
      {isArchived ? (
        <Button disabled={isBusy} onClick={() => bring.mutate(undefined)}>
          Restore
        </Button>
      ) : (
        <Button disabled={isBusy} onClick={() => archive.mutate(undefined)}>
          Archive
        </Button>
      )}
    </ChosenBar>
  );
}
