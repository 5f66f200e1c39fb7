import { Link } from "@tanstack/react-router";
import type { Attention } from "../../../protocol/attention.ts";
import { api } from "../../api.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { Facts } from "../../ui/exact.tsx";
import type { GlyphName } from "../../ui/glyph.tsx";
import type { RowParts } from "../../ui/rows.tsx";
import { ApprovalCard } from "./approval.tsx";

const HOUR_MS = 3_600_000;

const GLYPH: Record<Attention["kind"], GlyphName> = {
  ...{ approval: "you", conflict: "you", blocked: "error", dead: "stuck", stuck: "stuck", away: "away" },
  ...{ loop: "stuck", webhook: "error" },
};

const KIND: Record<Attention["kind"], string> = {
  ...{ approval: "approval", conflict: "same place", blocked: "blocked result", dead: "dead letter", stuck: "stuck" },
  ...{ away: "machine away", loop: "paused loop", webhook: "webhook" },
};

/** One need as a row. */
export function needRow({ id, kind, since, count, holdsUp, subject, reason, takenBy }: Attention): RowParts {
  // That the asker itself waits goes without saying.
  const behind = holdsUp.filter((name) => name !== subject.agentId);
  return {
    ...{ id, glyph: GLYPH[kind], kind: count > 1 ? `${KIND[kind]} × ${count}` : KIND[kind], since },
    what: (
      <>
        {subject.agentId && <strong>{subject.agentId} </strong>}
        {subject.title}
      </>
    ),
    why: [
      ...(kind === "approval" ? [] : [reason]),
      ...(behind.length > 0 ? [`holds up ${behind.join(", ")}`] : []),
      ...(takenBy ? [`${takenBy} sees to it`] : []),
    ].join(" · "),
  };
}

/** Verbs of the list on a need. */
export function useNeedActs() {
  const take = useAct(async (need: Attention) => {
    await api.attention.take(need.id);
    return { said: "You see to it", undo: () => api.attention.take(need.id, { release: true }) };
  });
  const snooze = useAct(async (need: Attention) => {
    await api.attention.snooze(need.id, new Date(Date.now() + HOUR_MS).toISOString());
    return { said: "Hidden for an hour", undo: () => api.attention.snooze(need.id, null) };
  });
  const end = useAct(({ need, verb }: { need: Attention; verb: Attention["actions"][number] }) => endBy(need, verb));
  return { take, snooze, end };
}

/** Verbs of operators that end what waits: their button, and what is said after them. */
const ENDINGS: Partial<Record<Attention["actions"][number], { label: string; said: string }>> = {
  retry: { label: "Try again", said: "tried again" },
  dismiss: { label: "Dismiss", said: "dismissed" },
  requeue: { label: "Requeue", said: "requeued" },
  cancel: { label: "Cancel", said: "cancelled" },
  resume: { label: "Resume", said: "resumed" },
};

/** Ends what waits, by one of its verbs. Of several dead letters it takes the first: the others go on waiting. */
async function endBy({ id, kind, subject }: Attention, verb: Attention["actions"][number]): Promise<{ said: string }> {
  const { announcementId, messageId, webhookId, title } = subject;
  if (announcementId && verb === "retry") await api.announcements.retry(announcementId);
  else if (announcementId && verb === "dismiss") await api.announcements.dismiss(announcementId);
  else if (messageId !== null && verb === "requeue") await api.claims.requeue(messageId);
  else if (messageId !== null && verb === "cancel") await api.claims.cancel(messageId);
  else if (webhookId && verb === "resume") await api.webhooks.patch(webhookId, { status: "active" });
  else if (kind === "loop" && verb === "resume") await api.loops.resume(Number(id.slice("loop:".length)));
  else throw new Error(`Nothing here is ended by ${verb}. Load the page again: the relay was updated.`);
  return { said: `${title}: ${ENDINGS[verb]?.said}` };
}

/** The need in full, and what can be done about it. */
export function NeedOpen({ need }: { need: Attention }) {
  const { writes, isOperator } = useWho();
  const { take, snooze, end } = useNeedActs();
  const { kind, subject, reason, actions, takenBy } = need;
  return (
    <>
      {subject.approvalId ? <ApprovalCard id={subject.approvalId} /> : <p className="mb-2">{reason}</p>}
      <Facts
        items={[
          subject.project,
          subject.sessionId && (
            <Link to="/sessions/$id" params={{ id: subject.sessionId }} className="text-accent underline">
              {subject.sessionId}
            </Link>
          ),
          subject.runId && (
            <Link to="/runs/$id" params={{ id: subject.runId }} className="text-accent underline">
              {subject.runId}
            </Link>
          ),
          subject.messageId !== null && `message ${subject.messageId}`,
          subject.orchestratorId && `on ${subject.orchestratorId}`,
        ]}
      />
      {writes && (
        <div className="flex flex-wrap gap-2">
          {actions
            .filter((verb) => isOperator && verb in ENDINGS)
            .map((verb) => (
              <Button key={verb} disabled={end.isPending} onClick={() => end.mutate({ need, verb })}>
                {need.count > 1 && kind === "dead"
                  ? `${ENDINGS[verb]?.label} the first of ${need.count}`
                  : ENDINGS[verb]?.label}
              </Button>
            ))}
          <Button kind="quiet" hint="e" onClick={() => take.mutate(need)}>
            {takenBy ? "Take it over" : "I have it"}
          </Button>
          <Button kind="quiet" hint="s" onClick={() => snooze.mutate(need)}>
            Snooze 1 h
          </Button>
          {subject.agentId && (
            <Link to="/agents/$id" params={{ id: subject.agentId }} className="self-center px-2 text-accent underline">
              {subject.agentId}
            </Link>
          )}
        </div>
      )}
    </>
  );
}
