import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "sonner";
import type { Token } from "../../../protocol/tokens.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { Age } from "../../ui/age.tsx";
import { Button } from "../../ui/button.tsx";
import { Empty, Failure } from "../../ui/notes.tsx";
import { Section } from "../../ui/page.tsx";
import { Secret } from "../../ui/secret.tsx";

/** Tokens of an agent, newest first. */
export const useAgentTokens = (agent: string) =>
  useQuery({
    queryKey: ["tokens", "of", agent],
    queryFn: ({ signal }) => api.tokens.list({ agent, limit: 200 }, { signal }),
  });

/** Tokens that act for an agent: made, shown once, ended. For operators. */
export function AgentTokens({ agent }: { agent: string }) {
  const cache = useQueryClient();
  const tokens = useAgentTokens(agent);
  const make = useMutation({
    mutationFn: () => api.tokens.create({ role: "agent", agentId: agent, name: "made in the console" }),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["tokens"] }),
  });
  const good = tokens.data?.items.filter(({ revokedAt }) => revokedAt === null) ?? [];
  return (
    <Section title="Tokens">
      {tokens.error && <Failure error={tokens.error} retry={() => void tokens.refetch()} />}
      {tokens.data && good.length === 0 && <Empty>It has no token, and cannot speak.</Empty>}
      {good.map((token) => (
        <TokenRow key={token.id} token={token} />
      ))}
      {make.data && (
        <Secret name={make.data.id} value={make.data.token} about="is shown this once." close={() => make.reset()} />
      )}
      {make.error && <Failure error={make.error} />}
      <Button className="mt-2" disabled={make.isPending} onClick={() => make.mutate()}>
        Make a token
      </Button>
    </Section>
  );
}

function TokenRow({ token: { id, name, createdAt, lastUsedAt, sessionId } }: { token: Token }) {
  const cache = useQueryClient();
  const [isSure, setSure] = useState(false);
  const end = useMutation({
    mutationFn: () => api.tokens.revoke(id),
    async onSuccess({ paused }) {
      await cache.invalidateQueries({ queryKey: ["tokens"] });
      toast(`${id} ended${paused.length ? `; ${paused.length} things that it set up are paused` : ""}`);
    },
    onError: (error) => void toast.error(visible(error.message), { duration: 10_000 }),
  });
  return (
    <div className="flex items-center gap-2 border-b border-line py-1 text-small">
      <span className="min-w-0 flex-1 wrap-anywhere">
        {visible(name ?? (sessionId ? `of ${sessionId}` : id))}
        <span className="block text-ink3">
          {lastUsedAt ? "used " : "not used, made "}
          <Age since={lastUsedAt ?? createdAt} className="inline" />
        </span>
      </span>
      <Button
        kind={isSure ? "danger" : "quiet"}
        disabled={end.isPending}
        onClick={() => (isSure ? end.mutate() : setSure(true))}
      >
        {isSure ? "End it: its streams close" : "End…"}
      </Button>
    </div>
  );
}
