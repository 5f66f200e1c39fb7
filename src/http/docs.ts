import type { Route } from "./call.ts";
export function docsRoutes(_routes: readonly Route[], _publicUrl: string | undefined): Route[] {
  return [];
}
