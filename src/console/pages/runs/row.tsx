import type { Run } from "../../../protocol/runs.ts";
import { visible } from "../../../protocol/visible.ts";
import { moneyText } from "../../ui/amounts.ts";
import { projectName } from "../../ui/exact.tsx";
import type { RowParts } from "../../ui/rows.tsx";
import { runState } from "../../ui/states.ts";
import { aboutRun, webOf } from "./about.ts";

/** A run as a row. */
export function runRow(run: Run): RowParts {
  const { glyph, word, colour } = runState(run);
  const facts = [
    run.project && projectName(run.project),
    ...run.links.map(({ ref }) => ref),
    moneyText(run.usage.costUsd || null),
  ];
  return {
    ...{ id: run.id, glyph, since: run.endedAt ?? run.createdAt },
    what: (
      <>
        <strong>{run.agentId}</strong> {aboutRun(run)}
      </>
    ),
    why: (
      <>
        <span className={colour}>{word}</span>
        {facts.filter(Boolean).map((fact) => ` · ${visible(fact ?? "")}`)}
      </>
    ),
    kind: run.cause,
    web: webOf(run),
  };
}
