import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pino from "pino";
import { readConfig } from "../../src/config.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { createRelay } from "../../src/relay.ts";
import { atEnd } from "./ending.ts";
import { listen } from "./listen.ts";
import { ENGINE, PROGRAM } from "./program.ts";
import { tempFolder } from "./relay.ts";
import { startServer } from "./server.ts";

const END = "== end of block ==";

/** Programs that pages call by name: the command line, and curl, which fails here when the relay refuses. */
const PROGRAMS = (curl: string) => ({
  signalbox: `exec ${PROGRAM.map((word) => `"${word}"`).join(" ")} "$@"`,
  curl: `exec ${curl} --fail-with-body "$@"`,
});

export interface PageShell {
  url: string;
  folder: string;
  /** Runs a block as printed, and answers with its output. Ids like `tsk_...` stand for the newest of their kind. */
  run(block: string): Promise<string>;
  /** Runs a block in another terminal, until the end of the test. @returns what it has printed so far */
  begin(block: string): () => string;
  /** Puts a program into the shell's path. */
  install(name: string, line: string): void;
}

/** A relay in this process, which the command line finds by its folder: a start of its own takes ten times the CPU. */
async function serveHere(dataDir: string): Promise<{ url: string }> {
  mkdirSync(dataDir);
  const config = readConfig({
    SIGNALBOX_DATA_DIR: dataDir,
    SIGNALBOX_PORT: "0",
    SIGNALBOX_EGRESS_PRIVATE: "127.0.0.1",
  });
  const relay = await createRelay(config, systemClock, pino({ level: "silent" }));
  atEnd(() => relay.abandon());
  const url = listen({ relay });
  writeFileSync(join(dataDir, "server.json"), JSON.stringify({ url, pid: process.pid }));
  return { url };
}

/**
 * A shell in the folder of a relay of its own; it keeps variables and functions from block to block.
 * @param env of the relay, which then is a process of its own
 */
export async function openPageShell(env?: Record<string, string>): Promise<PageShell> {
  const folder = tempFolder();
  const dataDir = join(folder, "data");
  const server = env ? await startServer({ dataDir, env }) : await serveHere(dataDir);
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const install = (name: string, line: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  for (const [name, line] of Object.entries(PROGRAMS(Bun.which("curl") ?? "curl"))) install(name, line);
  const environment = { PATH: `${bin}:${process.env.PATH}`, HOME: folder, ...ENGINE };
  const shell = Bun.spawn(["bash", "-eu", "-o", "pipefail"], {
    cwd: folder,
    env: environment,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  atEnd(async () => {
    shell.kill();
    await shell.exited;
  });
  const output = shell.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let printed = "";
  let count = 0;

  const whole = (block: string) =>
    block
      .replaceAll("http://127.0.0.1:4747", server.url)
      .replace(
        /\b([a-z]+_)\.\.\./g,
        (_, prefix: string) => printed.match(new RegExp(`${prefix}[a-z0-9]+`, "g"))?.at(-1) ?? "",
      );

  return {
    url: server.url,
    folder,
    install,
    begin(block) {
      const terminal = Bun.spawn(["bash", "-euc", `exec 2>&1\nexec ${whole(block).trim()}`], {
        ...{ cwd: folder, env: environment, stdin: "ignore", stdout: "pipe", stderr: "ignore" },
      });
      atEnd(async () => {
        terminal.kill(9);
        await terminal.exited;
      });
      let text = "";
      void (async () => {
        for await (const part of terminal.stdout.pipeThrough(new TextDecoderStream())) text += part;
      })();
      return () => text;
    },
    async run(block) {
      const file = join(folder, `block-${++count}.sh`);
      writeFileSync(file, whole(block));
      // The block reads nothing from the shell's own input.
      shell.stdin.write(`. ${file} </dev/null\necho "${END}"\n`);
      const start = printed.length;
      while (!printed.includes(END, start)) {
        const { value, done } = await output.read();
        if (done) throw new Error(`${block}\n${printed.slice(start)}\n${await new Response(shell.stderr).text()}`);
        printed += value;
      }
      return printed.slice(start, printed.indexOf(END, start));
    },
  };
}
