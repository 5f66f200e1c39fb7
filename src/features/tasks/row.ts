import type { taskEvents, tasks } from "./tables.ts";

export type TaskRow = typeof tasks.$inferSelect;

export type TaskEventRow = typeof taskEvents.$inferSelect;
