import { randomBytes } from "node:crypto";
import type { RunRow } from "../../features/runs/row.ts";
import type { Runs } from "../../features/runs/runs.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { harmless, harmlessLine, whole } from "../../protocol/harmless.ts";
import type { Conversation } from "../../protocol/posts.ts";
import type { RunPrompt } from "../../protocol/runs.ts";

/** Longest task that the prompt repeats; the whole comes with the turn. */
const TASK = 2000;
const NAME = 120;

/** A run, and its place in its tree. */
export interface PromptFacts {
  run: RunRow;
  /** The run that it is part of. */
  parent: RunRow | undefined;
  maySpawn: boolean;
  /** Deepest run that may be spawned. */
  spawnDepth: number;
}

const RULES = `Rules:
- Stay with the task. Begin nothing else, and wait for nothing that is not part of it.
- Your final message is reported for you. Say nothing else to report it.
- You may be stopped at any time.
- Results come to you by themselves. Do not poll for them.
- If output was cut or compacted, read again only the parts that you need, in small pieces.

Output:
- What you did or found, with the details that the requester needs. Be brief.

Do not:
- talk to users, or send messages outside, unless the task names a recipient;
- set up schedules, or state that outlives the task;
- speak in your requester's name.`;

export type Prompts = ReturnType<typeof createPrompts>;

/** Prompts of runs, for their runners and for people who look. */
export function createPrompts({ runs }: { runs: Runs }) {
  const { access, book, limits } = runs;

  return {
    /** `GET /v1/runs/{id}/prompt`. @throws Problem 403, 404, 409 */
    async of(on: ReadTx, caller: Caller, id: string): Promise<RunPrompt> {
      const run = await access.requireReadable(on, caller, id);
      const parent = run.parentId === null ? undefined : await book.byId(on, run.parentId);
      const { spawnDepth } = limits;
      const maySpawn = run.depth < spawnDepth;
      return { text: runPrompt({ run, parent, maySpawn, spawnDepth }), depth: run.depth, maySpawn };
    },
  };
}

/** Text that tells the model of a run its role, rules, depth and right to spawn. Texts of others stand inside the fence alone. */
export function runPrompt({ run, parent, maySpawn, spawnDepth }: PromptFacts): string {
  return [roleOf(run, parent), RULES, ...spawning(run, maySpawn, spawnDepth), factsOf(run, parent)].join("\n\n");
}

function roleOf({ depth }: RunRow, parent: RunRow | undefined): string {
  if (!parent) return "You work on one task, as an agent of this relay.";
  const above = depth >= 2 ? "a parent orchestrator" : "the main agent";
  return `You are a child of ${above}. You were made for one task, and your result goes back to your requester.`;
}

function spawning({ depth }: RunRow, maySpawn: boolean, spawnDepth: number): string[] {
  if (maySpawn)
    return [
      `Runs of your own:
- You may ask for runs below yours, tell them something, stop them, and look at them when you have to.
- Their results come to you by themselves. Do not list them, read their history or sleep in order to wait.
- Remember which ones you expect. Give your final answer only after ALL of them have come, and put them together.
- A result that comes after your final answer: reply only NO_REPLY.`,
    ];
  return depth >= 2 || spawnDepth === 0 ? ["You are a leaf worker: you cannot ask for runs below yours."] : [];
}

/** Names and the task, which others chose. */
function factsOf(run: RunRow, parent: RunRow | undefined): string {
  const fence = randomBytes(6).toString("hex");
  const origin: Conversation | null = run.origin === null ? null : JSON.parse(run.origin);
  const task = run.opaque ? "" : run.task.replace(/\s+/g, " ").trim();
  const lines = [
    ...(run.label === null ? [] : [`Label: ${harmlessLine(run.label, NAME)}`]),
    ...(parent ? [`Requester: ${parent.agentId}, session ${harmlessLine(parent.sessionKey, NAME)}`] : []),
    ...(origin === null ? [] : [`Channel of the requester: ${harmlessLine(origin.channelId, NAME)}`]),
    `Your session: ${harmlessLine(run.sessionKey, NAME)}`,
    `Task: ${task === "" ? "(as your first message says)" : harmless(whole(task.slice(0, TASK)))}`,
  ];
  const quoted = lines
    .join("\n")
    .split("\n")
    .map((line) => `| ${line}`);
  const end = `[end ${fence}${task.length > TASK ? "; the task is cut, your first message has the whole" : ""}]`;
  return [`[${run.id}, depth ${run.depth}; names and task by others; fence ${fence}]`, ...quoted, end].join("\n");
}
