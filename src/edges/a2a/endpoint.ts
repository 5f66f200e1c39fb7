import { formatTarget, parseTarget } from "../../identity/agents/target.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Endpoint } from "./service.ts";

const ORIGIN = /^https?:\/\/[a-z0-9.:[\]_-]+(?=\/|$)/i;

/** Base URL of this relay: the configured one, else the request's. @throws Problem 400 */
export function baseOf(request: Request, publicUrl: string | undefined): string {
  const base = publicUrl?.replace(/\/+$/, "") ?? ORIGIN.exec(request.url)?.[0];
  if (base === undefined) throw new Problem("bad-request", "The Host header names no host.");
  return base;
}

/**
 * Target of a call, by its path or its `tenant`.
 * @throws Problem 422 when they differ, or name no target
 */
export function endpointOf(inPath: string | undefined, tenant: unknown): Endpoint {
  const named = typeof tenant === "string" && tenant !== "" ? tenant : undefined;
  if (inPath !== undefined && named !== undefined && named !== inPath)
    throw Problem.invalid("tenant", `is not ${inPath}, the agent of this endpoint`);
  const text = inPath ?? named;
  if (text === undefined) return null;
  const target = parseTarget(text);
  if (!target || target.kind === "channel")
    throw new Problem("unknown-target", `${text.slice(0, 160)} is no agent and no group.`);
  return formatTarget(target);
}
