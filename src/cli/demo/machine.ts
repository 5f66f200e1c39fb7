import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "../../client/client.ts";
import { ownCommand } from "../own.ts";
import type { ScratchRelay } from "../scratch-relay.ts";
import { scratchEnvironment } from "../settings.ts";

/** Orchestrator of the demo. */
const ID = "box";
/** Providers, and with the prefix `box-` the agents. */
const PROVIDERS = ["builder", "reviewer", "echo", "dreamer", "thrifty"] as const;
/** Silence of a turn before the daemon looks at it. */
const SILENCE_SECONDS = 20;

/** Starts a daemon whose agents are plays of this program. @returns when each agent is registered */
export async function startMachine(relay: ScratchRelay, operator: Client): Promise<void> {
  const folder = join(relay.dataDir, ID);
  const path = (name: string) => join(folder, name);
  for (const name of ["home", "work", "work/shop", "work/docs"]) mkdirSync(path(name), { recursive: true });
  const draft = { role: "orchestrator", agentId: `orchestrator-${ID}`, prefix: `${ID}-` } as const;
  const { token } = await operator.tokens.create(draft);
  writeFileSync(path("token"), token, { mode: 0o600 });
  const [command, ...args] = ownCommand("demo-agent");
  const program = { kind: "command", command, args, can: ["resume", "steer", "interrupt", "permissions"] };
  const config = {
    ...{ id: ID, relay: relay.url(), tokenFile: path("token"), workspace: path("work"), journal: path("journal.db") },
    ...{
      approvalMode: "open",
      spawners: ["*"],
      sessions: 8,
      silenceSeconds: SILENCE_SECONDS,
      idleMinutes: 5,
      stopMinutes: 0,
    },
    providers: PROVIDERS.map((name) => ({ name, ...program })),
  };
  writeFileSync(path("config.json"), JSON.stringify(config));
  const child = Bun.spawn([...ownCommand("orchestrator"), "--config", path("config.json")], {
    env: { ...scratchEnvironment(), HOME: path("home") },
    ...{ stdin: "ignore", stdout: "ignore", stderr: Bun.file(path("log")) },
  });
  relay.atEnd(async () => {
    child.kill("SIGINT");
    await child.exited;
  });
  const there = async () =>
    (await operator.agents.list({ limit: 500 })).items.filter(({ id }) => id.startsWith(`${ID}-`));
  while ((await there()).length < PROVIDERS.length) {
    if (child.exitCode !== null) throw new Error(`The daemon of the demo ended: see ${path("log")}`);
    await Bun.sleep(100);
  }
}
