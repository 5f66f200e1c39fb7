import { existsSync } from "node:fs";
import { join } from "node:path";
import { HarnessError } from "../../errors.ts";
import { SessionBusy, SessionMissing } from "../errors.ts";
import type { Environment, OpenTask, Origin } from "../provider.ts";
import { RpcRefusal } from "./rpc.ts";

/** Choices of the operator for every session. */
export interface CodexPolicy {
  /** Left out: workspace-write. */
  sandbox?: "read-only" | "workspace-write" | "danger-full-access" | undefined;
  /** Codex's word for sessions with people to ask. Left out: on-request. */
  approvalPolicy?: "untrusted" | "on-request" | "never" | undefined;
}

/** Variable with the token of the relay's MCP server. Codex keeps such names from the environments of its tools. */
const TOKEN_VARIABLE = "SIGNALBOX_MCP_TOKEN";
const SERVER = "signalbox";

/** Environment of Codex with the session's own token in it. */
export const environmentOf = ({ environment, mcp }: OpenTask, home: string | undefined): Environment => ({
  ...environment,
  ...(home && { CODEX_HOME: home }),
  ...(mcp && { [TOKEN_VARIABLE]: mcp.token }),
});

/** Members of Codex's configuration that a session sets. @throws HarnessError for tools that Codex cannot leave out */
export function configOf({ mcp, tools }: OpenTask): Record<string, unknown> {
  const prefix = `mcp__${SERVER}__`;
  const own = tools.deny.filter((tool) => tool.startsWith(prefix)).map((tool) => tool.slice(prefix.length));
  const others = tools.deny.filter((tool) => !tool.startsWith(prefix) && tool !== "web_search");
  if (others.length > 0)
    throw new HarnessError(
      "usage",
      `Codex cannot leave out ${others.join(", ")}: it can leave out web_search and ${prefix}<tool>. Take them from the list, or use another provider.`,
    );
  return {
    ...(mcp && {
      mcp_servers: {
        [SERVER]: {
          url: mcp.url,
          bearer_token_env_var: TOKEN_VARIABLE,
          // The relay asks people itself where that is needed; unattended, Codex would refuse its tools.
          default_tools_approval_mode: "approve",
          ...(own.length > 0 && { disabled_tools: own }),
        },
      },
    }),
    ...(tools.deny.includes("web_search") && { web_search: "disabled" }),
  };
}

export const approvalPolicyOf = ({ unattended }: OpenTask, { approvalPolicy = "on-request" }: CodexPolicy): string =>
  unattended ? "never" : approvalPolicy;

/** Request that opens the thread of a session. */
export function threadRequest(task: OpenTask, policy: CodexPolicy): { method: string; params: object } {
  const { origin, cwd, model, systemPrompt } = task;
  const common = {
    cwd,
    ...{ approvalPolicy: approvalPolicyOf(task, policy), sandbox: policy.sandbox ?? "workspace-write" },
    ...{ config: configOf(task), approvalsReviewer: "user" },
    ...(model && { model }),
    ...(systemPrompt && { developerInstructions: systemPrompt }),
  };
  if (origin.how === "new") return { method: "thread/start", params: common };
  const threadId = origin.nativeId;
  if (origin.how === "resume") return { method: "thread/resume", params: { ...common, threadId, excludeTurns: true } };
  return {
    method: "thread/fork",
    params: {
      ...{ ...common, threadId, excludeTurns: true, ephemeral: origin.ephemeral },
      ...(origin.upTo !== undefined && { lastTurnId: origin.upTo }),
    },
  };
}

/** Failure of a request about a thread, as callers know it. */
export function threadError(error: unknown, { origin, environment }: OpenTask): unknown {
  if (!(error instanceof RpcRefusal) || origin.how === "new") return error;
  return refusedThread(error.said, origin, environment) ?? error;
}

const missing = (nativeId: string, { CODEX_HOME, HOME = "~" }: Environment): SessionMissing =>
  new SessionMissing(`Codex knows no thread ${nativeId} in ${CODEX_HOME ?? `${HOME}/.codex`}. Begin a new session.`);

/** Looks for the stored thread, for a Codex that says only in its turn that there is none. */
export async function missingThread(nativeId: string, environment: Environment): Promise<SessionMissing | undefined> {
  const { CODEX_HOME, HOME = "~" } = environment;
  const folder = join(CODEX_HOME ?? join(HOME, ".codex"), "sessions");
  if (!/^[\w-]+$/.test(nativeId) || !existsSync(folder)) return missing(nativeId, environment);
  for await (const _ of new Bun.Glob(`**/rollout-*${nativeId}.jsonl*`).scan(folder)) return undefined;
  return missing(nativeId, environment);
}

/** SessionMissing or SessionBusy by Codex's words; undefined for other refusals. */
export function refusedThread(
  said: string,
  { nativeId }: Exclude<Origin, { how: "new" }> | { nativeId: string },
  environment: Environment,
): HarnessError | undefined {
  if (/active writer/i.test(said))
    return new SessionBusy(`Another Codex has the thread ${nativeId} open. End it, or fork the thread.`);
  if (/no rollout found|invalid (session|thread) id|thread not found|no (thread|session) (found|with)/i.test(said))
    return missing(nativeId, environment);
  return undefined;
}
