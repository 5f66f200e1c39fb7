import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Approval, ApprovalSubject } from "../../../protocol/approvals.ts";
import { api } from "../../api.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { Exact, Facts } from "../../ui/exact.tsx";
import { Failure, Loading } from "../../ui/notes.tsx";
import { clockText } from "../../ui/states.ts";

const SHORT: Record<string, string> = { once: "1", session: "2", always: "" };

/** Key of an option: 1 allows once, 2 for the session, 3 denies. */
export const keyOf = ({ decision, scope = "once" }: Approval["options"][number]): string =>
  decision === "deny" ? "3" : (SHORT[scope] ?? "");

/** Answering one approval. The hash is that of what was shown: a changed subject is refused. */
export const useAnswer = () =>
  useAct(async ({ approval, option, text }: { approval: Approval; option: string; text?: string | undefined }) => {
    const { answer } = await api.approvals.answer(approval.id, { option, text, hash: approval.hash });
    return {
      said: `${approval.title}: ${answer?.decision === "allow" ? "allowed" : answer?.decision === "deny" ? "denied" : "answered"}`,
    };
  });

/** The exact subject of an approval, and the buttons that decide it. */
export function ApprovalCard({ id }: { id: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["approval", id],
    queryFn: ({ signal }) => api.approvals.get(id, { signal }),
  });
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  return data ? <Card approval={data} /> : <Loading what="the question" />;
}

function Card({ approval }: { approval: Approval }) {
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
              in <code className="font-mono">{subject.cwd}</code>
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
      {state === "pending" && writes && <Options approval={approval} />}
      {state === "pending" && !writes && (
        <p className="text-small text-ink2">{`${name} is a ${role}: operators and members decide.`}</p>
      )}
      <p className="mt-2 text-small text-ink3">
        {state === "pending"
          ? `${standing?.decision === "deny" ? "denied" : standing?.label} at ${clockText(expiresAt)} if nobody answers`
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

function Options({ approval }: { approval: Approval }) {
  const answer = useAnswer();
  const [reason, setReason] = useState("");
  const isQuestion = approval.kind === "question";
  return (
    <div className="flex flex-wrap items-center gap-2 max-md:flex-col max-md:items-stretch">
      {approval.options.map((option, index) => (
        <Button
          key={option.id}
          kind={index === 0 && option.decision !== "deny" ? "primary" : option.decision === "deny" ? "danger" : "plain"}
          hint={keyOf(option) || undefined}
          disabled={answer.isPending}
          className={option.decision === "deny" && !approval.oneTap ? "max-md:order-first" : ""}
          onClick={() => answer.mutate({ approval, option: option.id, text: reason || undefined })}
        >
          {option.label}
        </Button>
      ))}
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

/** The subject, whole. */
function exactOf(subject: ApprovalSubject): string[] {
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
