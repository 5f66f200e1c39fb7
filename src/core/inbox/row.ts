import type { offers } from "./tables.ts";

export type OfferRow = Omit<typeof offers.$inferSelect, "id">;
