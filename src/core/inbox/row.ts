import type { deliveries } from "./tables.ts";

export type DeliveryRow = Omit<typeof deliveries.$inferSelect, "id">;
