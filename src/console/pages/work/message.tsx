import { Link } from "@tanstack/react-router";
import { useSyncExternalStore } from "react";
import type { Message, WorkState } from "../../../protocol/messages.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useWho } from "../../frame/who.ts";
import { feed } from "../../live/feed.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { Exact, Facts } from "../../ui/exact.tsx";
import type { GlyphName } from "../../ui/glyph.tsx";
import type { RowParts } from "../../ui/rows.tsx";
import { clockText } from "../../ui/states.ts";
import { SureButton } from "../../ui/sure.tsx";

/** A message; a dead letter says how its last attempt failed. */
export type Item = Message & { error?: string | null; diedAt?: string };

export const WORDS: Record<WorkState, string> = {
  ...{ open: "open", claimed: "held", delayed: "delayed", dead: "dead letter", done: "done" },
  ...{ expired: "expired", cancelled: "cancelled" },
};
const GLYPHS: Record<WorkState, GlyphName> = {
  ...{ open: "open", claimed: "held", delayed: "limited", dead: "stuck", done: "settled" },
  ...{ expired: "settled", cancelled: "settled" },
};

/** A claimable message as a row. */
export function workRow(message: Item): RowParts {
  const { id, from, to, subject, body, encoding, state, claim, createdAt, topic } = message;
  const words = encoding === "plain" ? (subject ?? body) : "not readable here";
  return {
    ...{ id: `${id}`, glyph: GLYPHS[state ?? "open"], kind: topic === null ? "" : visible(topic) },
    since: message.diedAt ?? createdAt,
    what: (
      <>
        <strong>{visible(to)}</strong> {visible(words.replace(/\s+/g, " ").slice(0, 160))}
      </>
    ),
    why: (
      <>
        {`${id} from ${visible(from)}`}
        {claim && " · "}
        {claim && <Lease agentId={claim.agentId} expiresAt={claim.expiresAt} attempt={claim.attempt} />}
        {message.error && ` · ${visible(message.error.slice(0, 200))}`}
      </>
    ),
  };
}

/** Time left of a lease, counted down while the feed is live. */
export function Lease({ agentId, expiresAt, attempt }: { agentId: string; expiresAt: string; attempt: number }) {
  const now = useSyncExternalStore(feed.onTick, feed.now);
  const seconds = Math.floor((Date.parse(expiresAt) - now) / 1000);
  const left = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} left`;
  return <>{`held by ${agentId}, ${seconds > 0 ? left : "its lease ran out"}, attempt ${attempt}`}</>;
}

/** The message in full, and what can be done about its work. */
export function Work({ message }: { message: Item }) {
  const { id, from, state, body, encoding, expiresAt, threadId } = message;
  const { writes, isOperator } = useWho();
  const requeue = useAct(async () => {
    await api.claims.requeue(id);
    return { said: `Message ${id} is open again` };
  });
  const cancel = useAct(async () => {
    await api.claims.cancel(id);
    return { said: `Message ${id} is cancelled` };
  });
  const canCancel = state === "open" || state === "delayed" || state === "claimed" || state === "dead";
  return (
    <>
      <Exact>{encoding === "plain" ? body : "This message is encrypted."}</Exact>
      <Facts
        items={[
          `message ${id}`,
          `from ${visible(from)}`,
          `sent ${new Date(message.createdAt).toLocaleString()}`,
          expiresAt && `expires ${clockText(expiresAt)}`,
          message.error && visible(message.error),
          <Link key="thread" to="/threads/$id" params={{ id: String(threadId) }} className="text-accent underline">
            thread
          </Link>,
        ]}
      />
      <div className="flex flex-wrap gap-2">
        {state === "dead" && isOperator && (
          <Button kind="primary" disabled={requeue.isPending} onClick={() => requeue.mutate(undefined)}>
            Requeue
          </Button>
        )}
        {canCancel && (isOperator || (writes && from === "user")) && (
          <SureButton sure="Cancel it for good" disabled={cancel.isPending} onClick={() => cancel.mutate(undefined)}>
            Cancel it
          </SureButton>
        )}
      </div>
    </>
  );
}
