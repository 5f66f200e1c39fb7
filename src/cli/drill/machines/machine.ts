import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownCommand } from "../../own.ts";
import { scratchEnvironment } from "../../settings.ts";
import type { Drilled } from "../asking.ts";
import { AGENT_PROGRAMS } from "./agent.ts";

/** A daemon of the drill, in a process of its own, with its files in a folder of its own. */
export interface Machine {
  id: string;
  /** Its agent. */
  agentId: string;
  folder: string;
  journal: string;
  /** Starts it, over what an earlier process left. */
  start(): void;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** Lets it end as an operator does. @returns its exit code */
  stop(): Promise<number>;
}

/** Agents of the machines: Claude Code copies dialogues and goes on with turns by itself, the program of lines only resumes dialogues. */
const KINDS = ["claude", "command"] as const;

/** Makes a machine: token, configuration and agent. `at` is its number, from 0. */
export async function createMachine({ ask, relay }: Drilled, at: number): Promise<Machine> {
  const id = `m${at}`;
  const folder = join(relay.dataDir, id);
  const path = (name: string) => join(folder, name);
  mkdirSync(path("home"), { recursive: true });
  mkdirSync(path("work"));
  const given = { role: "orchestrator", agentId: `orchestrator-${id}`, prefix: `${id}-` };
  const { body } = await ask<{ token: string }>("POST", "/v1/tokens", given);
  writeFileSync(path("token"), body.token, { mode: 0o600 });
  const kind = KINDS[at % KINDS.length] ?? "command";
  writeFileSync(path("agent.js"), AGENT_PROGRAMS[kind]);
  const config = {
    ...{ id, relay: relay.url(), tokenFile: path("token"), workspace: path("work"), journal: path("journal.db") },
    ...{ approvalMode: "open", spawners: ["sender-*", "m*"], sessions: 12, stopMinutes: 1 },
    // A binary runs the agent as Bun does.
    providers: [
      {
        ...{ name: "own", kind, command: "/usr/bin/env", ...(kind === "command" && { can: ["resume"] }) },
        args: ["BUN_BE_BUN=1", process.execPath, path("agent.js")],
      },
    ],
  };
  writeFileSync(path("config.json"), JSON.stringify(config));
  return { id, agentId: `${id}-own`, folder, journal: config.journal, ...processOf(folder) };
}

function processOf(folder: string): Pick<Machine, "start" | "kill" | "stop"> {
  let child: Bun.Subprocess | undefined;
  const end = async (signal: NodeJS.Signals): Promise<number> => {
    child?.kill(signal);
    return (await child?.exited) ?? 0;
  };
  return {
    start() {
      const log = openSync(join(folder, "log"), "a");
      child = Bun.spawn([...ownCommand("orchestrator"), "--config", join(folder, "config.json")], {
        env: { ...scratchEnvironment(), HOME: join(folder, "home") },
        stdin: "ignore",
        stdout: "ignore",
        stderr: log,
      });
      closeSync(log);
    },
    kill: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
  };
}
