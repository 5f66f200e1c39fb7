import { pullOf } from "../../protocol/repositories.ts";
import type { RunLink } from "../../protocol/runs.ts";

/** Commands of a shell that open a pull request. */
const COMMAND = /(?:^|[\s;&|(])(?:gh\s+pr\s+create|hub\s+pull-request|glab\s+mr\s+create|tea\s+pulls?\s+create)\b/;
/** Names of tools that open one, behind the name of their server: mcp__github__create_pull_request. */
const TOOL = /(?:^|__|[./:])(?:create_pull_request|create_merge_request|pull_request_create)$/;
const URLS = /https:\/\/[^\s"'<>\\)\]]+/g;
/** Characters of a result that are searched, from its end: the address stands last. */
const SEARCHED = 64 * 1024;

/** A call of a tool, and what came of it. */
export interface ToolCall {
  name: string;
  args: unknown;
  result: unknown;
  isError: boolean;
}

/** The pull request that a call of a tool opened; undefined for any other call, however much its text speaks of one. */
export function pullOpenedBy({ name, args, result, isError }: ToolCall): RunLink | undefined {
  if (isError || !(TOOL.test(name) || COMMAND.test(lineOf(args)))) return undefined;
  const text = (typeof result === "string" ? result : (JSON.stringify(result) ?? "")).slice(-SEARCHED);
  const url = text
    .match(URLS)
    ?.map((found) => found.replace(/[.,;:]+$/, ""))
    .findLast((found) => pullOf(found) !== undefined);
  if (!url) return undefined;
  const key = pullOf(url) ?? "";
  return { kind: "pull", ref: key.slice(key.indexOf("/") + 1), url, state: null, evidence: "tool" };
}

/** The command line among the arguments of a shell tool. */
function lineOf(args: unknown): string {
  if (typeof args === "string") return args;
  if (typeof args !== "object" || args === null) return "";
  const { command, cmd } = args as { command?: unknown; cmd?: unknown };
  const line = command ?? cmd;
  return Array.isArray(line) ? line.join(" ") : typeof line === "string" ? line : "";
}
