import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "../../src/client/client.ts";
import type { DaemonConfigInput } from "../../src/daemon/config.ts";
import { atEnd } from "./ending.ts";
import { ENGINE, PROGRAM } from "./program.ts";
import { markedFromOutside } from "./providers/processes.ts";
import { until } from "./until.ts";

/** A daemon in its own process, as on a machine of its own: its own home, workspace and journal. */
export interface Box {
  folder: string;
  workspace: string;
  log(): string;
  /** Gives a command, and waits for what came of it. */
  command(command: Parameters<Client["orchestrators"]["command"]>[1]): Promise<Record<string, unknown>>;
  /** Lets it end as an operator does. */
  stop(): Promise<void>;
}

export interface BoxOptions {
  /** More environment of its CLIs. */
  environment?: Record<string, string>;
  /** Fills its home, before it starts. */
  furnish?: (home: string) => void;
  /** Takes what ends the box, to be called newest first. */
  closing?: (close: () => Promise<void>) => void;
}

/** The pause between looks for processes left is as in production: a stop takes about a second. */
export async function startBox(
  client: Client,
  url: string,
  config: Pick<DaemonConfigInput, "id" | "providers"> & Partial<DaemonConfigInput>,
  { environment = {}, furnish, closing = atEnd }: BoxOptions = {},
): Promise<Box> {
  const { id } = config;
  const folder = mkdtempSync(join(tmpdir(), "signalbox-box-"));
  closing(async () => rmSync(folder, { recursive: true, force: true }));
  const workspace = join(folder, "work");
  mkdirSync(workspace);
  furnish?.(folder);
  const given = { ...ENGINE, ...environment };
  const draft = { role: "orchestrator" as const, agentId: `orchestrator-${id}`, prefix: `${id}-` };
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, (await client.tokens.create(draft)).token);
  chmodSync(tokenFile, 0o600);
  const whole: DaemonConfigInput = {
    ...{ relay: url, tokenFile, workspace, journal: join(folder, "j.db"), envKeys: Object.keys(given) },
    ...config,
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(whole));
  const child = Bun.spawn([...PROGRAM, "orchestrator", "--config", join(folder, "config.json")], {
    env: { PATH: process.env.PATH, HOME: folder, ...given },
    stdout: "ignore",
    stderr: "pipe",
  });
  closing(async () => {
    child.kill(9);
    await child.exited;
    for (const { id: session } of (await client.sessions.list().catch(() => ({ items: [] }))).items)
      for (const pid of markedFromOutside(session)) if (existsSync(`/proc/${pid}`)) process.kill(pid, 9);
  });
  let log = "";
  void (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) log += text;
  })();
  await until(() => log.includes(`Orchestrator ${id} runs`), `the start of ${id}`);
  return {
    ...{ folder, workspace, log: () => log },
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
    },
    async command(command) {
      const asked = await client.orchestrators.command(id, command, { waitSeconds: 60 });
      const { commandResult } = (asked.answer?.payload ?? {}) as { commandResult?: Record<string, unknown> };
      if (!commandResult) throw new Error(`${command.do}: ${asked.status}, ${asked.answer?.error}`);
      return commandResult;
    },
  };
}
