import type { approvalAskers, approvalRules, approvals } from "./tables.ts";

export type ApprovalRow = Omit<typeof approvals.$inferSelect, "number">;
export type AskerRow = typeof approvalAskers.$inferSelect;
export type RuleRow = typeof approvalRules.$inferSelect;
