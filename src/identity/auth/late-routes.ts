import { lazy } from "../../kernel/lazy.ts";
import type { Route } from "./route.ts";

/** Routes of a feature that most starts never use: their module and its shapes are loaded with the first request for one. */
export interface LateRoutes {
  /** Paths that they are, or begin with: `/v1/webhooks`, `/v1/messages/{id}/posts`. No other route may take these. */
  below: readonly string[];
  /** Makes them once. */
  load(): Promise<readonly Route[]>;
}

export const lateRoutes = (below: readonly string[], load: LateRoutes["load"]): LateRoutes => ({
  below,
  load: lazy(load),
});

/** A table of routes, some of which are made later. */
export type Routes = readonly (Route | LateRoutes)[];

/** Every route of a table, in its order. */
export async function allRoutes(table: Routes): Promise<Route[]> {
  const lists = await Promise.all(table.map((one) => ("load" in one ? one.load() : [one])));
  return lists.flat();
}
