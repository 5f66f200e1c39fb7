import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { ApprovalRule } from "../../../protocol/approval-rules.ts";
import { api } from "../../api.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { visible } from "../../ui/exact.tsx";
import { Empty, Failure, Loading } from "../../ui/notes.tsx";
import { Section } from "../../ui/page.tsx";

/** Rules that decide without a person, in their order. */
export function Rules() {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["rules"],
    queryFn: ({ signal }) => api.approvals.rules({ signal }),
  });
  return (
    <Section title="Rules">
      {isPending && <Loading what="rules" />}
      {error && <Failure error={error} retry={() => void refetch()} />}
      {data?.items.length === 0 && (
        <Empty>
          No rule: a person decides everything. Operators add one with{" "}
          <code className="font-mono">signalbox approvals allow</code>.
        </Empty>
      )}
      <ol>
        {data?.items.map((rule) => (
          <Rule key={rule.id} rule={rule} />
        ))}
      </ol>
    </Section>
  );
}

const COLOUR = { allow: "text-green", deny: "text-red", ask: "text-amber" } as const;

function Rule({ rule }: { rule: ApprovalRule }) {
  const { id, position, decision, tool, match, under, agentId, person } = rule;
  const { isOperator } = useWho();
  const cache = useQueryClient();
  const readAgain = () => cache.invalidateQueries({ queryKey: ["rules"] });
  const remove = useAct(async () => {
    await api.approvals.removeRule(id);
    await readAgain();
    return { said: "Rule removed", undo: () => api.approvals.addRule(draftOf(rule)).then(readAgain) };
  });
  return (
    <li className="flex flex-wrap items-center gap-3 border-b border-line px-3 py-2">
      <span className="font-mono text-small text-ink3">{position}</span>
      <span className="min-w-0 flex-1 wrap-anywhere">
        <strong className={COLOUR[decision]}>{decision}</strong> {visible(tool)}{" "}
        {match !== null && <code className="font-mono text-small">{visible(match)}</code>}
        <span className="block text-small text-ink3">
          {[agentId ?? "every agent", under && `in ${visible(under)}`, person && `by ${person}`]
            .filter(Boolean)
            .join(" · ")}
        </span>
      </span>
      {isOperator && (
        <Button disabled={remove.isPending} onClick={() => remove.mutate(undefined)}>
          Remove
        </Button>
      )}
    </li>
  );
}

const draftOf = ({ position, agentId, tool, match, decision, under }: ApprovalRule) => ({
  ...{ position, tool, decision },
  ...(agentId !== null && { agentId }),
  ...(match !== null && { match }),
  ...(under !== null && { under }),
});
