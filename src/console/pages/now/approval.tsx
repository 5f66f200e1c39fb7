import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Approval, ApprovalSubject } from "../../../protocol/approvals.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { useBulk } from "../../ui/bulk.tsx";
import { Button } from "../../ui/button.tsx";
import { draftOf, endDraft, useDraft } from "../../ui/drafts.ts";
import { Exact, Facts } from "../../ui/exact.tsx";
import { Failure, Loading } from "../../ui/notes.tsx";
import { clockText } from "../../ui/states.ts";

const SHORT: Record<string, string> = { once: "1", session: "2", always: "" };

/** Key of an option: 1 allows once, 2 for the session, 3 denies. */
export const keyOf = ({ decision, scope = "once" }: Approval["options"][number]): string =>
  decision === "deny" ? "3" : (SHORT[scope] ?? "");

/** Name of the words that go with an answer. */
const wordsFor = ({ id }: Approval): string => `answer to ${id}`;

/** Answering one approval, with the words that were written. The hash is that of what was shown: a changed subject is refused. */
const useAnswer = () =>
  useAct(async ({ approval, option }: { approval: Approval; option: string }) => {
    const text = draftOf(wordsFor(approval)) || undefined;
    const { answer } = await api.approvals.answer(approval.id, { option, text, hash: approval.hash });
    endDraft(wordsFor(approval));
    return {
      said: `${approval.title}: ${answer?.decision === "allow" ? "allowed" : answer?.decision === "deny" ? "denied" : "answered"}`,
    };
  });

/** Keys that answer an approval as it is shown; none for who may not. */
export function useAnswerKeys(): (id: string | null) => Record<string, () => void> {
  const { writes } = useWho();
  const answer = useAnswer();
  const cache = useQueryClient();
  const press = (id: string, key: string): void => {
    const approval = cache.getQueryData<Approval>(["approval", id]);
    const option = approval?.options.find((one) => keyOf(one) === key);
    if (approval?.state === "pending" && option && !answer.isPending) answer.mutate({ approval, option: option.id });
  };
  return (id) =>
    id === null || !writes ? {} : Object.fromEntries(["1", "2", "3"].map((key) => [key, () => press(id, key)]));
}

/** The exact subject of an approval, and the buttons that decide it; `hasKeys`: its page listens to their keys. */
export function ApprovalCard({ id, hasKeys = false }: { id: string; hasKeys?: boolean }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["approval", id],
    queryFn: ({ signal }) => api.approvals.get(id, { signal }),
  });
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  return data ? <Card key={id} approval={data} hasKeys={hasKeys} /> : <Loading what="the question" />;
}

function Card({ approval, hasKeys }: { approval: Approval; hasKeys: boolean }) {
  const { subject, agentId, runId, expiresAt, options, state } = approval;
  const { writes, name, role } = useWho();
  const standing = options.find((option) => option.id === approval.default);
  return (
    <>
      {exactOf(subject).map((text, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one subject
        <Exact key={index}>{text}</Exact>
      ))}
      <Facts
        items={[
          "cwd" in subject && subject.cwd && (
            <>
              in <code className="font-mono">{visible(subject.cwd)}</code>
            </>
          ),
          "envNames" in subject && subject.envNames.length > 0 && `with ${subject.envNames.join(", ")}`,
          `asked by ${agentId}`,
          runId && (
            <Link className="text-accent underline" to="/runs/$id" params={{ id: runId }}>
              {runId}
            </Link>
          ),
          approval.count > 1 && `asked ${approval.count} times`,
        ]}
      />
      {state === "pending" && writes && <Options approval={approval} hasKeys={hasKeys} />}
      {state === "pending" && writes && <Same approval={approval} />}
      {state === "pending" && !writes && (
        <p className="text-small text-ink2">{`${name} is a ${role}: operators and members decide.`}</p>
      )}
      <p className="mt-2 text-small text-ink3">
        {state === "pending"
          ? `${standing?.decision === "deny" ? "denied" : visible(standing?.label ?? "ended")} at ${clockText(expiresAt)} if nobody answers`
          : outcomeOf(approval)}
      </p>
    </>
  );
}

/** How it was decided, in words. */
export function outcomeOf({ state, answer }: Approval): string {
  if (!answer) return state;
  const by = answer.via === "rule" ? `rule ${answer.ruleId}` : (answer.person ?? "an operator");
  const what = answer.decision === "allow" ? "allowed" : answer.decision === "deny" ? "denied" : "answered";
  return `${what} by ${by} ${clockText(answer.at)}`;
}

/** Buttons that decide. One that decides for good takes a second step. */
function Options({ approval, hasKeys }: { approval: Approval; hasKeys: boolean }) {
  const answer = useAnswer();
  const [forGood, setForGood] = useState<string>();
  const [reason, setReason] = useDraft(wordsFor(approval));
  const isQuestion = approval.kind === "question";
  const decide = (option: string): void => answer.mutate({ approval, option });
  return (
    <div className="flex flex-wrap items-center gap-2 max-md:flex-col max-md:items-stretch">
      {approval.options.map((option, index) => (
        <Button
          key={option.id}
          kind={index === 0 && option.decision !== "deny" ? "primary" : option.decision === "deny" ? "danger" : "plain"}
          hint={(hasKeys && keyOf(option)) || undefined}
          disabled={answer.isPending}
          className={option.decision === "deny" && !approval.oneTap ? "max-md:order-first" : ""}
          onClick={() => (needsSecond(option) && forGood !== option.id ? setForGood(option.id) : decide(option.id))}
        >
          {`${visible(option.label)}${forGood === option.id ? ": sure?" : ""}`}
        </Button>
      ))}
      {forGood !== undefined && (
        <p role="status" className="w-full text-small text-amber">
          The same is allowed from now on without asking. Press again to decide so.
        </p>
      )}
      <input
        value={reason}
        onChange={({ target }) => setReason(target.value)}
        placeholder={isQuestion ? "Your answer" : "A reason, for the agent"}
        aria-label={isQuestion ? "Your answer" : "Reason"}
        className="h-8 min-w-40 flex-1 rounded-control max-md:flex-none border border-control bg-surface px-2 max-md:h-12"
      />
    </div>
  );
}

/** Answers every approval that asks for the very same, where there are several. */
function Same({ approval: { hash, cut, oneTap, kind } }: { approval: Approval }) {
  const { data } = useQuery({
    queryKey: ["approvals", "pending"],
    queryFn: ({ signal }) => api.approvals.list({ state: "pending", limit: 200 }, { signal }),
  });
  const bulk = useBulk();
  const count = (data?.items ?? []).filter((one) => one.hash === hash).length;
  if (count < 2 || kind === "question") return null;
  const answer = (decision: "allow" | "deny"): void => bulk.mutate([{ action: "answer", filter: { hash }, decision }]);
  return (
    <div className="mt-2 flex flex-wrap items-center gap-2 max-md:flex-col max-md:items-stretch">
      <span className="text-ink2">{`${count} ask for exactly this.`}</span>
      {oneTap && !cut && kind !== "access" && (
        <Button disabled={bulk.isPending} onClick={() => answer("allow")}>{`Allow all ${count} once`}</Button>
      )}
      <Button kind="danger" disabled={bulk.isPending} onClick={() => answer("deny")}>{`Deny all ${count}`}</Button>
    </div>
  );
}

/** Whether an option also decides what comes later. */
const needsSecond = ({ decision, scope }: Approval["options"][number]): boolean =>
  decision === "allow" && scope === "always";

/** The subject, whole. */
export function exactOf(subject: ApprovalSubject): string[] {
  switch (subject.type) {
    case "command":
      return [subject.line];
    case "edit":
      return [subject.path, subject.diff];
    case "fetch":
      return [subject.url];
    case "tool":
      return [`${subject.server}.${subject.name}`, JSON.stringify(subject.input, null, 2)];
    case "question":
      return [subject.text];
    case "access":
      return [`${subject.sender}\nCode ${subject.code}`];
    default:
      return [JSON.stringify(subject, null, 2)];
  }
}
