import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { contracts, gone, made } from "./contract.ts";
import { NAMED, named, object, strictObject } from "./shape.ts";
import { Int, int, line, Str, StrOrNull, Time, text } from "./wire.ts";

export const RuleId = z
  .string()
  .regex(/^rul_[a-z0-9]{1,40}$/, "has to be the id of a rule, like rul_0mf3k2j1a7x2c9q4b0d8")
  .describe("rul_...");

/** `POST /v1/approval-rules`. */
export const ApprovalRuleDraft = strictObject(() => ({
  position: int(1, 1000).optional().describe("Place among the rules; later ones move down. The last when left out."),
  agentId: AgentId.optional().describe("Its approvals alone; all agents' when left out."),
  tool: line(258).describe("command, edit, fetch, <server>/<name> of a tool, or * for all."),
  match: text(4096)
    .optional()
    .describe(
      "Glob over the whole argument (* any text, ? one character): the command line, the path, the URL, or the input as JSON with sorted members.",
    ),
  decision: z.enum(["allow", "deny", "ask"]),
  under: line(4096)
    .refine((path) => path.startsWith("/") && !path.split("/").includes(".."), "has to be an absolute path without ..")
    .optional()
    .describe("Folder that the command's working directory, or the edited file, lies in."),
})).register(NAMED, { id: "ApprovalRuleDraft" });
export type ApprovalRuleDraft = z.input<typeof ApprovalRuleDraft>;
export type ParsedRule = z.output<typeof ApprovalRuleDraft>;

export const ApprovalRule = named("ApprovalRule", "A decision for approvals of kind permission to come.", () => ({
  id: RuleId,
  position: Int,
  agentId: StrOrNull,
  tool: Str,
  match: StrOrNull,
  decision: z.enum(["allow", "deny", "ask"]),
  under: StrOrNull,
  person: StrOrNull,
  createdAt: Time,
}));
export type ApprovalRule = z.infer<typeof ApprovalRule>;
export const ApprovalRuleList = object(() => ({ items: z.array(ApprovalRule), nextPage: z.null() })).register(NAMED, {
  id: "ApprovalRuleList",
});

export const MadeRule = object(() => ({
  ...ApprovalRule.shape,
  answered: z.array(Str).describe("Pending approvals that it decided at once."),
})).register(NAMED, { id: "MadeApprovalRule" });
export type MadeRule = z.infer<typeof MadeRule>;

const RulePath = strictObject(() => ({ id: RuleId }));
const contract = contracts("Approvals");

export const listApprovalRules = contract("listApprovalRules", "GET /v1/approval-rules", {
  summary: "List the rules for approvals, in order",
  answers: { 200: { description: "All of them.", schema: ApprovalRuleList } },
  problems: ["forbidden"],
});

export const addApprovalRule = contract("addApprovalRule", "POST /v1/approval-rules", {
  summary: "Add a rule for approvals",
  description:
    "By an operator. A matching deny beats every allow; else the first rule that matches decides. A command line with ; & | < > ` $( " +
    "or a line break matches an allow only as exact text.",
  body: ApprovalRuleDraft,
  example: { tool: "command", match: "git status*", decision: "allow" },
  idempotent: true,
  answers: made(MadeRule, "Added.", "Added before with this key."),
  problems: ["forbidden", "conflict"],
});

export const removeApprovalRule = contract("removeApprovalRule", "DELETE /v1/approval-rules/{id}", {
  ...gone(RulePath),
  summary: "Delete a rule for approvals",
  repeatable: true,
});
