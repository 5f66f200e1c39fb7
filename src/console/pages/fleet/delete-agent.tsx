import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { toast } from "sonner";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { useAgentTokens } from "./tokens.tsx";

/** Restores a deleted agent, and says so. */
export function useRestore() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api.agents.restore(id),
    async onSuccess({ id }) {
      await cache.invalidateQueries();
      toast(`${id} is back. It needs a new token.`);
    },
    onError: (error) => void toast.error(visible(error.message), { duration: 10_000 }),
  });
}

const some = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

/** The second step of deleting an agent: what ends with it. */
export function DeleteAgent({ id, close }: { id: string; close(): void }) {
  const cache = useQueryClient();
  const navigate = useNavigate();
  const restore = useRestore();
  const tokens = useAgentTokens(id);
  const live = useQuery({
    queryKey: ["sessions", "live", id],
    queryFn: ({ signal }) => api.sessions.list({ agent: id, live: "true", limit: 20 }, { signal }),
  });
  const runs = useQuery({
    queryKey: ["runs", "live", id],
    queryFn: ({ signal }) => api.runs.list({ agent: id, status: "running", limit: 100 }, { signal }),
  });
  const remove = useMutation({
    mutationFn: () => api.agents.delete(id),
    async onSuccess() {
      close();
      await navigate({ to: "/agents" });
      void cache.invalidateQueries();
      const undo = { label: "Restore", onClick: () => restore.mutate(id) };
      toast(`${id} is deleted`, { duration: 10_000, action: undo });
    },
  });
  const good = tokens.data?.items.filter(({ revokedAt }) => revokedAt === null).length;
  return (
    <Dialog
      title={`Delete ${id}?`}
      about="What it holds ends now. Its messages stay, and an operator can restore it, without what ended."
      act={remove.isPending ? "Deleting…" : `Delete ${id}`}
      isDanger
      isPending={remove.isPending || good === undefined || !live.data || !runs.data}
      error={remove.error ?? tokens.error ?? live.error ?? runs.error}
      onSubmit={() => remove.mutate()}
      onClose={close}
    >
      <ul className="list-disc pl-5">
        {good !== undefined && <li>{`${some(good, "token", "tokens")} of it ${good === 1 ? "ends" : "end"}`}</li>}
        {live.data && (
          <li>{`${some(live.data.items.length, "live session", "live sessions")}, and what runs in them, end`}</li>
        )}
        {runs.data && (
          <li>{`${some(runs.data.items.length, "run", "runs")} under way fail, and so do its delegations`}</li>
        )}
        <li>Work for it alone is cancelled; a group's work that it held is open again</li>
        <li>Its schedules, webhooks and bindings end</li>
        <li>Senders of what it never read are told once</li>
      </ul>
    </Dialog>
  );
}
