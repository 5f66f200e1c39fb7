import type { z } from "zod";

/** Refuses a list `items` in which an id comes twice, at its second place. */
export function distinct(items: readonly { id: string }[], ctx: z.RefinementCtx): void {
  const seen = new Set<string>();
  for (const [at, { id }] of items.entries()) {
    if (seen.has(id)) ctx.addIssue({ code: "custom", path: ["items", at, "id"], message: "is there twice" });
    seen.add(id);
  }
}
