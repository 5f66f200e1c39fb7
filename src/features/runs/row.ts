import type { runParts, runRecordings, runs, runTurns } from "./tables.ts";

export type RunRow = typeof runs.$inferSelect;
export type TurnRow = typeof runTurns.$inferSelect;
export type PartRow = typeof runParts.$inferSelect;
export type RecordingRow = typeof runRecordings.$inferSelect;
