import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { HarnessError } from "../../errors.ts";
import { type Contained, startContained } from "../process/contained.ts";
import type { Environment, Exit, OpenTask, TurnInput, TurnResult } from "../provider.ts";
import { readStructured } from "../structured.ts";
import { type ExecEvent, execEvents } from "./exec-lines.ts";
import type { CodexCommand } from "./server.ts";
import { type CodexPolicy, configOf } from "./threads.ts";

const STOP_MS = 1_000;

/** The part of a session that all its turns share. */
export interface ExecSetting {
  command: CodexCommand;
  policy: CodexPolicy;
  task: OpenTask;
  environment: Environment;
  /** Private folder for files that the command reads. */
  folder: string;
}

interface ExecTurn {
  process: Contained;
  stop(): void;
  /** Resolves when nothing of it is left. */
  over: Promise<{ exit: Exit; result: Omit<TurnResult, "moreFollow"> }>;
}

/** Runs one turn in a process of its own. @throws HarnessError when it cannot be started */
export async function startTurn(
  setting: ExecSetting,
  { input, nativeId, on }: { input: TurnInput; nativeId: string | null; on(event: ExecEvent): void },
): Promise<ExecTurn> {
  const { command, task, environment } = setting;
  let answer = "";
  let end: Extract<ExecEvent, { type: "turn-over" }> | null = null;
  let isStopped = false;
  const process = await startContained({
    ...{ words: wordsOf(setting, nativeId, input.images), cwd: task.cwd, environment, sessionId: task.sessionId },
    ...(command.containment && { containment: command.containment }),
    // A system prompt on the command line would be seen by every user of the machine.
    input: nativeId === null && task.systemPrompt ? `${task.systemPrompt}\n\n${input.text}` : input.text,
    onLine: (line) => {
      for (const event of execEvents(line)) {
        if (event.type === "said") answer = event.text;
        if (event.type === "turn-over") end = event;
        on(event);
      }
    },
    onNoise: (text) => task.on({ type: "noise", text }),
  });
  return {
    process,
    stop() {
      isStopped = true;
      void process.close({ graceMs: STOP_MS });
    },
    over: process.exited.then((exit) => {
      const outcome = outcomeOf(end, exit, isStopped);
      const text = readStructured(answer, outcome.outcome === "ok" ? task.schema : null);
      return { exit, result: { ...text, ...outcome, inputIds: [input.id], durationMs: null } };
    }),
  };
}

/** Command of one turn. Neither prompts nor tokens are in it. */
function wordsOf({ command, policy, task, folder }: ExecSetting, nativeId: string | null, images: readonly string[]) {
  const { origin, schema, cwd, model } = task;
  const thread = nativeId ?? (origin.how === "fork" ? origin.nativeId : null);
  if (thread?.startsWith("-")) throw new HarnessError("usage", `${thread} is no id of a Codex session.`);
  const file = join(folder, "schema.json");
  if (schema) writeFileSync(file, JSON.stringify(schema));
  const config = { ...configOf(task), approval_policy: "never" };
  const settings = flat(config).flatMap(([name, value]) => ["-c", `${name}=${JSON.stringify(value)}`]);
  return [
    ...[...command.words, "exec", "--json", "--skip-git-repo-check", "-C", cwd],
    ...["-s", policy.sandbox ?? "workspace-write", ...settings],
    ...(model ? [`--model=${model}`] : []),
    ...(schema ? ["--output-schema", file] : []),
    ...images.map((path) => `--image=${path}`),
    ...(nativeId !== null ? ["resume", nativeId] : origin.how === "fork" ? ["fork", origin.nativeId] : []),
    "-",
  ];
}

/** Members by their dotted names. */
const flat = (value: Record<string, unknown>, before = ""): [string, unknown][] =>
  Object.entries(value).flatMap(([name, member]) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? flat(member as Record<string, unknown>, `${before}${name}.`)
      : [[`${before}${name}`, member] as [string, unknown]],
  );

const LIMITED = /usage limit|rate limit|too many requests|\b429\b/i;

type Outcome = Pick<TurnResult, "outcome" | "errorCode" | "error">;

function outcomeOf(
  end: Extract<ExecEvent, { type: "turn-over" }> | null,
  { code, signal, stderr }: Exit,
  isStopped: boolean,
): Outcome {
  if (end && "total" in end) return { outcome: "ok", errorCode: null, error: null };
  if (end) return { outcome: "error", errorCode: LIMITED.test(end.error) ? "limited" : "provider", error: end.error };
  if (isStopped) return { outcome: "aborted", errorCode: null, error: null };
  const said = stderr.trim() ? `: ${stderr.trim().slice(-1000)}` : "";
  return { outcome: "error", errorCode: "crashed", error: `Codex has ended (${signal ?? `exit ${code}`})${said}.` };
}
