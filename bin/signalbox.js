#!/usr/bin/env node
// Starts Signalbox under the Bun that was installed with it. Plain JavaScript, for Node 18 and later.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Keeps Bun from running code and reading settings of the current folder. The same as BUN_FLAGS in the sources. */
const FLAGS = ["--config=/dev/null", "--no-env-file", "--tsconfig-override=/dev/null"];
const root = fileURLToPath(new URL("..", import.meta.url));
/** Least size of a real Bun, which has 90 MB. A placeholder is a line of text. */
const LEAST_BYTES = 1_000_000;

/** The program: sources in a checkout, the bundle in a package. */
function programFile() {
  const sources = join(root, "src/cli/main.ts");
  return existsSync(sources) ? sources : join(root, "dist/signalbox.js");
}

/** The package `bun`: its folder and its program. undefined when it is not installed. */
function findBun() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve("bun/package.json"));
    return { folder, program: join(folder, "bin/bun.exe") };
  } catch {
    return undefined;
  }
}

const isWhole = (program) => statSync(program, { throwIfNoEntry: false })?.size > LEAST_BYTES;

/** Runs the install script of the package `bun`, as npm may have skipped it. It puts Bun in the place of the placeholder. */
function repair({ folder }) {
  process.stderr.write("signalbox: putting Bun into its place, as npm has run no install scripts ...\n");
  spawnSync(process.execPath, ["install.js"], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
}

/** @returns the path of a whole Bun; undefined after saying what to do */
function readyBun() {
  const bun = findBun();
  if (bun && !isWhole(bun.program)) repair(bun);
  if (bun && isWhole(bun.program)) return bun.program;
  const remedy = bun
    ? `Run: cd ${bun.folder} && node install.js, as a user who may write there`
    : "Install the package signalbox again, with its dependencies";
  process.stderr.write(`signalbox: Bun, which comes with this package, is not in its place. ${remedy}.\n`);
  return undefined;
}

/** Signals that a terminal sends to the program as well. Passing them on would deliver them twice. */
const OF_TERMINAL = ["SIGINT", "SIGQUIT"];
const isAtTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;

/** Ends the program with npx: when npx ends, it ends the shell between them, and that passes no signal on. */
function followNpx(child) {
  const shell = process.ppid;
  setInterval(() => process.ppid === shell || child.kill("SIGTERM"), 500).unref();
}

/** Runs the program; signals go on to it, and its end becomes ours. */
function run(bun) {
  const { npm_command: calledBy, ...env } = process.env;
  const child = spawn(bun, [...FLAGS, programFile(), ...process.argv.slice(2)], { stdio: "inherit", env });
  const signals = ["SIGTERM", "SIGHUP", ...OF_TERMINAL];
  const passOn = (signal) => (isAtTerminal && OF_TERMINAL.includes(signal)) || child.kill(signal);
  for (const signal of signals) process.on(signal, passOn);
  if (calledBy === "exec") followNpx(child);
  child.on("error", (error) => {
    process.stderr.write(`signalbox: Bun cannot be started: ${error.message}\n`);
    process.exit(126);
  });
  child.on("exit", (code, signal) => {
    for (const each of signals) process.off(each, passOn);
    if (signal) process.kill(process.pid, signal);
    else process.exit(code);
  });
}

const bun = readyBun();
if (bun) run(bun);
else process.exit(127);
