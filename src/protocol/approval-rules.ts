import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { at, contracts, gone, made } from "./contract.ts";
import { NAMED, named, object, strictObject } from "./shape.ts";
import { Bool, Int, int, line, Str, StrOrNull, Time, TimeOrNull, text } from "./wire.ts";

export const RuleId = z
  .string()
  .regex(/^rul_[a-z0-9]{1,40}$/, "has to be the id of a rule, like rul_0mf3k2j1a7x2c9q4b0d8")
  .describe("rul_...");

const Tool = line(258).describe("command, edit, fetch, <server>/<name> of a tool, or * for all.");
const Match = text(4096).describe(
  "Glob over the whole argument (* any text, ? one character): the command line, the path, the URL, or the input as JSON with sorted members.",
);
const Decision = z.enum(["allow", "deny", "ask"]);
const Under = line(4096)
  .refine((path) => path.startsWith("/") && !path.split("/").includes(".."), "has to be an absolute path without ..")
  .describe("Folder that the command's working directory, or the edited file, lies in.");

/** `POST /v1/approval-rules`. */
export const ApprovalRuleDraft = strictObject(() => ({
  position: int(1, 1000).optional().describe("Place among the rules; later ones move down. The last when left out."),
  agentId: AgentId.optional().describe("Its approvals alone; all agents' when left out."),
  tool: Tool,
  match: Match.optional(),
  decision: Decision,
  under: Under.optional(),
})).register(NAMED, { id: "ApprovalRuleDraft" });
export type ApprovalRuleDraft = z.input<typeof ApprovalRuleDraft>;
export type ParsedRule = z.output<typeof ApprovalRuleDraft>;

/** `PATCH /v1/approval-rules/{id}`. */
export const ApprovalRulePatch = strictObject(() => ({
  position: int(1, 1000).optional().describe("Its place afterwards; the last when there are fewer rules."),
  agentId: AgentId.nullish().describe("null: all agents."),
  tool: Tool.optional(),
  match: Match.nullish().describe("null: any argument."),
  decision: Decision.optional(),
  under: Under.nullish().describe("null: any folder."),
})).register(NAMED, { id: "ApprovalRulePatch" });
export type ApprovalRulePatch = z.input<typeof ApprovalRulePatch>;

export const ApprovalRule = named("ApprovalRule", "A decision for approvals of kind permission to come.", () => ({
  id: RuleId,
  position: Int,
  agentId: StrOrNull,
  tool: Str,
  match: StrOrNull,
  decision: Decision,
  under: StrOrNull,
  person: StrOrNull,
  createdAt: Time,
  changedAt: TimeOrNull.describe("Last change of more than its place: older answers followed what it said before."),
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

/** `POST /v1/approval-rules/preview`. */
export const RulePreview = object(() => ({
  looked: z.int().describe("Number of permissions looked at: the newest 200."),
  items: z.array(
    object(() => ({
      id: Str.describe("The approval."),
      agentId: Str,
      argument: Str.describe("The command line, path, URL or input, its first 300 characters."),
      decides: Bool.describe("false: another rule decides it all the same, or a person has to look."),
    })),
  ),
}))
  .describe("Permissions that a rule would match.")
  .register(NAMED, { id: "ApprovalRulePreview" });
export type RulePreview = z.infer<typeof RulePreview>;

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

export const previewApprovalRule = contract("previewApprovalRule", "POST /v1/approval-rules/preview", {
  summary: "Check which of the last permissions a rule would match, without adding it",
  body: ApprovalRuleDraft,
  example: { tool: "command", match: "git status*", decision: "allow" },
  repeatable: true,
  answers: { 200: { description: "Newest first.", schema: RulePreview } },
  problems: ["forbidden"],
});

export const changeApprovalRule = contract("changeApprovalRule", "PATCH /v1/approval-rules/{id}", {
  ...at(RulePath, MadeRule, "The rule as it is now."),
  summary: "Change a rule for approvals, or its place",
  description: "By an operator. It keeps its id, so that answers which it gave go on naming it.",
  body: ApprovalRulePatch,
  example: { position: 1 },
  repeatable: true,
});

export const removeApprovalRule = contract("removeApprovalRule", "DELETE /v1/approval-rules/{id}", {
  ...gone(RulePath),
  summary: "Delete a rule for approvals",
  repeatable: true,
});
