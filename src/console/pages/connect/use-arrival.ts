import { useEffect, useState } from "react";
import { api } from "../../api.ts";
import { connection } from "../../live/connection.ts";

/** Whether an agent has come since it is waited for; undefined waits for none. */
export function useArrival(agentId: string | undefined): boolean {
  const [here, setHere] = useState<string>();
  useEffect(() => {
    if (agentId === undefined) return;
    const unfollow = connection.follow({ what: "lists" }, ({ event, data }) => {
      if (event === "presence" && (data as { agentId?: string }).agentId === agentId) setHere(agentId);
    });
    // News of a break are not told again.
    const look = (): void =>
      void api.agents.get(agentId).then(
        () => setHere(agentId),
        () => undefined,
      );
    const forget = connection.onBack(look);
    return () => {
      unfollow();
      forget();
    };
  }, [agentId]);
  return here !== undefined && here === agentId;
}
