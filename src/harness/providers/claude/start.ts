import { randomUUID } from "node:crypto";
import type { Environment, OpenTask } from "../provider.ts";

/** Tools by which a session would wake itself, unseen: the relay schedules. */
const OWN_SCHEDULES = ["CronCreate", "CronDelete", "CronList", "ScheduleWakeup", "RemoteTrigger"];

/** Beginning of a CLI: its command line, its environment and its first line. */
export interface Start {
  nativeId: string;
  words: string[];
  environment: Environment;
  /** First request on its stdin. The token is here, where no other user sees it. */
  initialize: object;
}

/** @param mcpFile file with the MCP servers, for a CLI that takes none in its first line */
export function startOf(task: OpenTask, command: readonly string[], mcpFile: string | null): Start {
  const { origin, model, tools } = task;
  const { nativeId, words } = sessionWords(task);
  return {
    nativeId,
    words: [
      ...command,
      ...["--input-format", "stream-json", "--output-format", "stream-json", "--verbose", "--include-partial-messages"],
      ...["--permission-prompt-tool", "stdio", ...words],
      ...(task.mcp ? (mcpFile ? [`--mcp-config=${mcpFile}`] : ["--await-initialize"]) : []),
      ...(model ? [`--model=${model}`] : []),
      // One flag each: a list would swallow the words behind it.
      // The relay's own tools ask people where that is needed.
      ...[...(task.mcp ? ["mcp__signalbox"] : []), ...tools.allow].map((rule) => `--allowedTools=${rule}`),
      ...[...OWN_SCHEDULES, ...tools.deny].map((rule) => `--disallowedTools=${rule}`),
    ],
    environment: {
      DISABLE_AUTOUPDATER: "1",
      ...task.environment,
      CLAUDE_CODE_SDK_READS_SESSION_STATE: "1",
      CLAUDE_CODE_STARTUP_FAILURE_RESULTS: "1",
      ...(origin.how === "resume" && origin.continueTurn && { CLAUDE_CODE_RESUME_INTERRUPTED_TURN: "1" }),
    },
    initialize: {
      subtype: "initialize",
      ...(task.systemPrompt && { appendSystemPrompt: task.systemPrompt }),
      ...(task.schema && { jsonSchema: task.schema }),
      ...(!mcpFile && mcpServers(task)),
    },
  };
}

/** MCP servers of a session, as the CLI writes them in its files and in its first line. */
export const mcpServers = ({ mcp }: OpenTask): { mcpServers?: object } =>
  mcp
    ? { mcpServers: { signalbox: { type: "http", url: mcp.url, headers: { Authorization: `Bearer ${mcp.token}` } } } }
    : {};

function sessionWords({ origin }: OpenTask): { nativeId: string; words: string[] } {
  if (origin.how === "resume") return { nativeId: origin.nativeId, words: [`--resume=${origin.nativeId}`] };
  if (origin.how === "new") {
    const nativeId = origin.nativeId ?? randomUUID();
    return { nativeId, words: [`--session-id=${nativeId}`] };
  }
  const nativeId = origin.newId ?? randomUUID();
  const passing = origin.ephemeral ? ["--no-session-persistence"] : [];
  const cut = origin.upTo === undefined ? [] : [`--resume-session-at=${origin.upTo}`];
  const words = [`--resume=${origin.nativeId}`, "--fork-session", `--session-id=${nativeId}`, ...cut, ...passing];
  return { nativeId, words };
}
