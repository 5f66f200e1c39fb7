import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useReducer } from "react";
import type { Bulk, BulkAction, BulkDraft } from "../../protocol/bulk.ts";
import { visible } from "../../protocol/visible.ts";
import { api } from "../api.ts";
import { useWho } from "../frame/who.ts";
import { useAct } from "./act.ts";
import { countText } from "./amounts.ts";
import { Button } from "./button.tsx";

/** Bulk actions that this page began or saw running: they stay on it until somebody closes them. */
const watched = new Set<string>();

const DOING: Record<BulkAction, string> = {
  ...{ requeue: "Requeuing", cancel: "Cancelling", archive: "Archiving", dismiss: "Dismissing", answer: "Answering" },
};
const DONE: Record<BulkAction, string> = {
  ...{ requeue: "requeued", cancel: "cancelled", archive: "archived", dismiss: "dismissed", answer: "answered" },
};

/** Begins bulk actions, and answers their ids; `BulkProgress` shows how far they are. */
export function useBeginBulk() {
  const cache = useQueryClient();
  return async (drafts: readonly BulkDraft[]): Promise<string[]> => {
    const begun: string[] = [];
    for (const draft of drafts) begun.push((await api.bulk.create(draft)).id);
    for (const id of begun) watched.add(id);
    await cache.invalidateQueries({ queryKey: ["bulk"] });
    return begun;
  };
}

/** Begins bulk actions by a button. */
export function useBulk() {
  const begin = useBeginBulk();
  return useAct(async (drafts: readonly BulkDraft[]) => {
    await begin(drafts);
    return undefined;
  });
}

/** Bulk actions that run, and those that this page saw end. */
export function BulkProgress() {
  const [, draw] = useReducer((n: number) => n + 1, 0);
  const { data } = useQuery({
    queryKey: ["bulk"],
    queryFn: ({ signal }) => api.bulk.list({ limit: 10 }, { signal }),
    refetchInterval: ({ state }) => (state.data?.items.some(({ endedAt }) => endedAt === null) ? 1000 : false),
  });
  const items = data?.items ?? [];
  for (const { id, endedAt } of items) if (endedAt === null) watched.add(id);
  const shown = items.filter(({ id }) => watched.has(id));
  const close = (id: string): void => {
    watched.delete(id);
    draw();
  };
  if (shown.length === 0) return null;
  return (
    <section aria-label="Bulk actions" className="mb-4 divide-y divide-line border-y border-line">
      {shown.map((bulk) => (
        <Progress key={bulk.id} bulk={bulk} close={() => close(bulk.id)} />
      ))}
    </section>
  );
}

function wordsOf({ action, state, matched, done, failed, skipped }: Bulk): string {
  const rest = [failed > 0 && `${countText(failed)} refused`, skipped > 0 && `${countText(skipped)} passed over`];
  const tail = rest.filter(Boolean).map((one) => `, ${one}`);
  if (state === "counting") return `Counting: ${countText(matched)} so far`;
  if (state === "running") return [`${DOING[action]} ${countText(done)} of ${countText(matched)}`, ...tail].join("");
  const end = state === "stopped" ? ` of ${countText(matched)}, then stopped` : "";
  return [`${countText(done)} ${DONE[action]}${end}`, ...tail].join("");
}

function Progress({ bulk, close }: { bulk: Bulk; close(): void }) {
  const { id, state, matched, done, failed, endedAt, failures, person } = bulk;
  const { writes } = useWho();
  const cache = useQueryClient();
  const stop = useAct(async () => {
    await api.bulk.stop(id);
    await cache.invalidateQueries({ queryKey: ["bulk"] });
    return { said: "Stopped: what was done stays done" };
  });
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2">
      <span role="status" className={failed > 0 ? "text-red" : ""}>
        {wordsOf(bulk)}
      </span>
      {state === "running" && (
        <progress
          max={Math.max(1, matched)}
          value={done + failed}
          aria-label="Progress"
          className="h-2 w-40 accent-(--ink3) max-md:w-full"
        />
      )}
      {person !== null && <span className="text-small text-ink3">{`by ${visible(person)}`}</span>}
      <span className="ml-auto flex gap-2">
        {endedAt === null && writes && (
          <Button disabled={stop.isPending} onClick={() => stop.mutate(undefined)}>
            Stop
          </Button>
        )}
        {endedAt !== null && (
          <Button kind="quiet" onClick={close}>
            Close
          </Button>
        )}
      </span>
      {failures.length > 0 && (
        <ul className="w-full text-small text-ink2 wrap-anywhere">
          {failures.slice(0, 3).map((failure) => (
            <li key={failure.id}>{visible(failure.detail)}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
