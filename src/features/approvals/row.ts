import type { approvalAskers, approvalRules, approvals } from "./tables.ts";

export type ApprovalRow = typeof approvals.$inferSelect;
export type AskerRow = typeof approvalAskers.$inferSelect;
export type RuleRow = typeof approvalRules.$inferSelect;
