import { newId } from "../../kernel/ids.ts";
import type { ApprovalKind, ParsedApproval } from "../../protocol/approvals.ts";
import type { RunRow } from "../runs/row.ts";
import type { ApprovalRow } from "./row.ts";
import { isCut, tapOf } from "./subject.ts";

/** Question of an agent, or of the relay itself. */
export type Asked = Omit<ParsedApproval, "kind"> & { kind: ApprovalKind; id?: string | undefined };

interface Made {
  agentId: string;
  run: RunRow | undefined;
  hash: string;
  orchestratorId: string | null;
  project: string | null;
  now: number;
}

/** A new approval. */
export function rowOf(body: Asked, { agentId, run, hash, orchestratorId, project, now }: Made): ApprovalRow {
  return {
    ...{ id: body.id ?? newId("apr", now), agentId, runId: run?.id ?? null, rootRunId: run?.rootRunId ?? null },
    ...{
      sessionId: body.sessionId ?? run?.sessionId ?? null,
      orchestratorId: orchestratorId ?? run?.orchestratorId ?? null,
      project,
    },
    ...{ kind: body.kind, subject: body.subject, title: body.title, cut: isCut(body.subject), hash },
    ...{ options: body.options, default: body.default, oneTap: tapOf(body) },
    ...{ conversation: body.conversation ?? (run?.origin ? JSON.parse(run.origin) : null), askedOf: [] },
    ...{ state: "pending", option: null, text: null, person: null, via: null, ruleId: null, answeredAt: null },
    ...{ reason: null, appliedOk: null, appliedError: null, appliedAt: null, count: 1, meta: body.meta ?? null },
    ...{ expiresAt: now + body.expiresInSeconds * 1000, createdAt: now, endedAt: null },
  };
}
