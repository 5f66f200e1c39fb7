import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import type { ApprovalRule, ApprovalRuleDraft } from "../../../protocol/approval-rules.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { Facts } from "../../ui/exact.tsx";
import type { GlyphName } from "../../ui/glyph.tsx";
import { Empty, Failure, Loading } from "../../ui/notes.tsx";
import { Section } from "../../ui/page.tsx";
import { type RowParts, Rows } from "../../ui/rows.tsx";

const RuleDialog = lazy(async () => ({ default: (await import("./rule-dialog.tsx")).RuleDialog }));

/** Rules that decide without a person, in their order. */
export function Rules() {
  const { isOperator, name, role } = useWho();
  const [adds, setAdds] = useState(false);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["rules"],
    queryFn: ({ signal }) => api.approvals.rules({ signal }),
  });
  useKeys(isOperator ? { c: () => setAdds(true) } : {});
  const items = data?.items ?? [];
  return (
    <Section title="Rules" note="a matching deny beats every allow; else the first that matches decides">
      <div className="px-3 py-2">
        {isOperator ? (
          <Button hint="c" onClick={() => setAdds(true)}>
            Add a rule…
          </Button>
        ) : (
          <span className="text-small text-ink2">{`${name} is a ${role}: operators change the rules.`}</span>
        )}
      </div>
      {isPending && <Loading what="rules" />}
      {error && <Failure error={error} retry={() => void refetch()} />}
      {data && items.length === 0 && <Empty>No rule: a person decides everything.</Empty>}
      <Rows items={items} row={ruleRow} open={(rule) => <OpenRule key={rule.id} rule={rule} last={items.length} />} />
      {adds && (
        <Suspense>
          <RuleDialog close={() => setAdds(false)} />
        </Suspense>
      )}
    </Section>
  );
}

const COLOUR = { allow: "text-green", deny: "text-red", ask: "text-amber" } as const;
const GLYPH = { allow: "ok", deny: "error", ask: "you" } as const satisfies Record<string, GlyphName>;

const ruleRow = ({ id, position, decision, tool, match, under, agentId, createdAt }: ApprovalRule): RowParts => ({
  ...{ id, glyph: GLYPH[decision], kind: `${position}`, since: createdAt },
  what: (
    <>
      <strong className={COLOUR[decision]}>{decision}</strong> {tool === "*" ? "everything" : visible(tool)}{" "}
      {match !== null && <code className="font-mono text-small">{visible(match)}</code>}
    </>
  ),
  why: [agentId ?? "every agent", under !== null && `in ${visible(under)}`].filter(Boolean).join(" · "),
});

const draftOf = ({ position, agentId, tool, match, decision, under }: ApprovalRule): ApprovalRuleDraft => ({
  ...{ position, tool, decision },
  ...(agentId !== null && { agentId }),
  ...(match !== null && { match }),
  ...(under !== null && { under }),
});

function OpenRule({ rule, last }: { rule: ApprovalRule; last: number }) {
  const { id, position, person, changedAt } = rule;
  const [edits, setEdits] = useState(false);
  const { isOperator } = useWho();
  const cache = useQueryClient();
  const readAgain = () => cache.invalidateQueries({ queryKey: ["rules"] });
  const move = useAct(async (by: 1 | -1) => {
    await api.approvals.changeRule(id, { position: position + by });
    await readAgain();
    return undefined;
  });
  const remove = useAct(async () => {
    await api.approvals.removeRule(id);
    await readAgain();
    return { said: "Rule removed", undo: () => api.approvals.addRule(draftOf(rule)).then(readAgain) };
  });
  const up = (): void => void (position > 1 && move.mutate(-1));
  const down = (): void => void (position < last && move.mutate(1));
  const edit = (): void => setEdits(true);
  useKeys(isOperator && !move.isPending ? { u: up, n: down, v: edit } : {});
  return (
    <>
      <Facts
        items={[
          ...[`rule ${position} of ${last}`, person && `by ${person}`],
          ...[changedAt && `changed ${new Date(changedAt).toLocaleString()}`, <code key="id">{id}</code>],
        ]}
      />
      {isOperator && (
        <div className="flex flex-wrap gap-2">
          <Button hint="u" disabled={move.isPending || position === 1} onClick={up}>
            Earlier
          </Button>
          <Button hint="n" disabled={move.isPending || position >= last} onClick={down}>
            Later
          </Button>
          <Button hint="v" onClick={edit}>
            Change…
          </Button>
          <Button kind="danger" disabled={remove.isPending} onClick={() => remove.mutate(undefined)}>
            Remove
          </Button>
        </div>
      )}
      {edits && (
        <Suspense>
          <RuleDialog rule={rule} close={() => setEdits(false)} />
        </Suspense>
      )}
    </>
  );
}
