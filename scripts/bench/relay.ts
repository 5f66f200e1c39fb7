import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BUN_FLAGS } from "../../src/cli/own.ts";
import type { Room } from "./bench.ts";
import { type Child, startChild, until } from "./child.ts";

/** The checkout that this program is in. */
export const ROOT = join(import.meta.dir, "../..");

export interface Server extends Child {
  port: number;
}

/** A relay under test, as it comes but for the rate limit. */
export interface Relay extends Server {
  operatorToken: string;
}

export async function startRelay({ root }: Pick<Room, "root">, dataFolder: string): Promise<Relay> {
  const server = await startServer(join(root, "src/main.ts"), `${dataFolder}.log`, {
    SIGNALBOX_DATA_DIR: dataFolder,
    SIGNALBOX_HOST: "127.0.0.1",
    SIGNALBOX_PORT: "0",
    SIGNALBOX_DURABILITY: "full",
    SIGNALBOX_RATE_LIMIT: "0",
    SIGNALBOX_LOOP_LIMIT: "0",
    SIGNALBOX_THREAD_RATE: "0",
    NODE_ENV: "production",
  });
  const operatorToken = await readFile(join(dataFolder, "operator.token"), "utf8");
  return { ...server, operatorToken: operatorToken.trim() };
}

/** Starts a server that only answers: `echo` with the relay's framework, `plain` without any. */
export const startEcho = (name: "echo" | "plain", folder: string): Promise<Server> =>
  startServer(join(ROOT, `scripts/bench/${name}.ts`), join(folder, `${name}.log`), { NODE_ENV: "production" });

/** Starts one of the project's programs and waits for the line that says where it listens. */
async function startServer(program: string, log: string, env: Record<string, string>): Promise<Server> {
  const child = startChild([process.execPath, ...BUN_FLAGS, program], log, env);
  const port = await until(`the start of ${program}`, async () => listeningPort(await child.output())).catch(
    async (error) => {
      throw new Error(`${error.message}: ${await child.output()}`);
    },
  );
  return { ...child, port };
}

function listeningPort(output: string): number | undefined {
  const line = output.split("\n").find((text) => text.includes('"url"'));
  const port = line && /"url":"http:\/\/[^"]*:(\d+)/.exec(line)?.[1];
  return port ? Number(port) : undefined;
}
