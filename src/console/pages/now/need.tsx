import { Link } from "@tanstack/react-router";
import type { Attention } from "../../../protocol/attention.ts";
import { NEEDS } from "../../../protocol/states.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { Facts, projectName } from "../../ui/exact.tsx";
import type { RowParts } from "../../ui/rows.tsx";
import { SureButton } from "../../ui/sure.tsx";
import { GroupActs } from "../work/group-acts.tsx";
import { ApprovalCard } from "./approval.tsx";

const HOUR_MS = 3_600_000;

/** One need as a row. `exact`: what exactly an approval asks for, while it is not open below. */
export function needRow(need: Attention, exact?: string): RowParts {
  const { id, kind, since, count, holdsUp, subject, reason, takenBy } = need;
  const { glyph, word } = NEEDS[kind];
  // That the asker itself waits goes without saying.
  const behind = holdsUp.filter((name) => name !== subject.agentId);
  return {
    ...{ id, glyph, kind: count > 1 ? `${word} × ${count}` : word, since },
    what: (
      <>
        {subject.agentId && <strong>{subject.agentId} </strong>}
        {visible(subject.title)}
      </>
    ),
    why: [
      ...(kind !== "approval" ? [visible(reason)] : exact === undefined ? [] : [visible(exact.slice(0, 200))]),
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
  return { take, snooze };
}

/** Verbs of operators that end what waits: their button, what is said after them, and what cannot be taken back. */
const ENDINGS: Partial<Record<Attention["actions"][number], { label: string; said: string; sure?: string }>> = {
  retry: { label: "Try again", said: "tried again" },
  dismiss: { label: "Dismiss", said: "dismissed", sure: "Dismiss it for good" },
  requeue: { label: "Requeue", said: "requeued" },
  cancel: { label: "Cancel", said: "cancelled", sure: "Cancel it for good" },
  resume: { label: "Resume", said: "resumed" },
};

/** Ends what waits, by one of its verbs. */
async function endBy({ id, kind, subject }: Attention, verb: Attention["actions"][number]): Promise<{ said: string }> {
  const { announcementId, messageId, webhookId, title } = subject;
  if (announcementId && verb === "retry") await api.announcements.retry(announcementId);
  else if (announcementId && verb === "dismiss") await api.announcements.dismiss(announcementId);
  else if (messageId !== null && verb === "requeue") await api.claims.requeue(messageId);
  else if (messageId !== null && verb === "cancel") await api.claims.cancel(messageId);
  else if (webhookId && verb === "resume") await api.webhooks.patch(webhookId, { status: "active" });
  else if (kind === "loop" && verb === "resume") await api.loops.resume(Number(id.slice("loop:".length)));
  else throw new Error(`Nothing here is ended by ${verb}. Load the page again: the relay was updated.`);
  return { said: `${visible(title)}: ${ENDINGS[verb]?.said}` };
}

/** Buttons that end what waits: all of it, where several have the same cause. */
function Endings({ need }: { need: Attention }) {
  const end = useAct((verb: Attention["actions"][number]) => endBy(need, verb));
  if (need.kind === "dead" && need.count > 1) return <GroupActs group={need} />;
  return need.actions.map((verb) => {
    const ending = ENDINGS[verb];
    if (!ending) return null;
    const button = { disabled: end.isPending, onClick: () => end.mutate(verb) };
    return ending.sure ? (
      <SureButton key={verb} sure={ending.sure} {...button}>
        {ending.label}
      </SureButton>
    ) : (
      <Button key={verb} {...button}>
        {ending.label}
      </Button>
    );
  });
}

/** The need in full, and what can be done about it. */
export function NeedOpen({ need }: { need: Attention }) {
  const { writes, isOperator } = useWho();
  const { take, snooze } = useNeedActs();
  const { subject, takenBy } = need;
  return (
    <>
      {subject.approvalId && <ApprovalCard id={subject.approvalId} hasKeys />}
      <Facts
        items={[
          subject.project && projectName(subject.project),
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
        <div className="flex flex-wrap gap-2 max-md:grid max-md:grid-cols-2">
          {isOperator && <Endings need={need} />}
          <Button kind="quiet" hint="e" onClick={() => take.mutate(need)}>
            {takenBy ? "Take it over" : "I have it"}
          </Button>
          <Button kind="quiet" hint="s" onClick={() => snooze.mutate(need)}>
            Snooze 1 h
          </Button>
          {subject.agentId && (
            <Link
              to="/agents/$id"
              params={{ id: subject.agentId }}
              className="self-center px-2 text-accent underline max-md:py-3"
            >
              {subject.agentId}
            </Link>
          )}
        </div>
      )}
    </>
  );
}
