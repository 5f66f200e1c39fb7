import { existsSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { migrationsIn } from "../src/kernel/db/migrate.ts";
import { packConsole } from "./console.ts";
import { NEXT_NOTICE, noticesOf } from "./notices.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Folder of the sources behind any links, as Bun names the files in dist/ relative to it. */
const SOURCES = realpathSync(`${root}src`);

/**
 * Common to the bundle and the binary: few files with their bytecode, so that a start neither looks for, transpiles nor parses
 * 1,500 modules: 160 ms of CPU, not 370. Each is as small as its use allows: a start pays for the file's size. The database worker is a file of its own, as each thread begins with one.
 */
const PROGRAM = {
  root: SOURCES,
  // None: that of the folder it is called in could put other files in the place of the sources.
  tsconfig: "/dev/null",
  target: "bun",
  // Bun makes bytecode of CommonJS alone. One of another version leaves it aside.
  format: "cjs",
  bytecode: true,
  naming: { entry: "[name].[ext]", asset: "docs-page/[name].[ext]" },
  define: {
    // By itself Bun puts in the folder of the sources on this machine; see src/root.ts.
    "import.meta.dirname": "module.path",
    // Read by pino alone, to find transports, which the relay does not use.
    __dirname: '"."',
    // In one file every module is the main one: the relay would start with each command.
    "import.meta.main": "false",
    WORKER_FILE: '"worker"',
    RELAY_FILE: '"main"',
    CONSOLE_PACK: '"docs-page/console.pack"',
    EMBEDDED_MIGRATIONS: JSON.stringify(migrationsIn(`${root}drizzle`)),
  },
} as const satisfies Partial<Bun.BuildConfig>;
const ENTRY = `${SOURCES}/cli/entry.ts`;
/** Files of the relay, of everyday commands, of all commands, and the worker. */
const PARTS = ["main.ts", "cli/everyday.ts", "cli/program.ts", "kernel/db/worker.ts"].map(
  (name) => `${SOURCES}/${name}`,
);
/**
 * The first one loads it for a daemon, which idles for weeks: apart from the relay it keeps 30 MB less, and 3 MB less without its
 * bytecode, for 50 ms of CPU at its start.
 */
const DAEMON = `${SOURCES}/cli/daemon.ts`;

/**
 * Makes the program in a folder, which then needs nothing but Bun: signalbox.js and its parts, the files of the docs page, and the
 * notices of the libraries.
 */
export async function buildProgram(folder: string): Promise<void> {
  const naming = { ...PROGRAM.naming, entry: "signalbox.[ext]" };
  await Bun.build({ ...PROGRAM, naming, entrypoints: [ENTRY], outdir: folder });
  await Bun.build({ ...PROGRAM, bytecode: false, entrypoints: [DAEMON], outdir: folder });
  const parts = await Bun.build({ ...PROGRAM, entrypoints: PARTS, outdir: folder, metafile: true });
  const { pack, notices } = await packConsole();
  writeFileSync(`${folder}/docs-page/console.pack`, JSON.stringify(pack));
  writeFileSync(`${folder}/NOTICES.txt`, [noticesOf(parts), notices].join(NEXT_NOTICE));
}

/** Replaces dist/ as a whole. The former one stays until the new one is complete. */
export async function replaceDist(make: (folder: string) => Promise<void>): Promise<void> {
  const [made, out] = [`${root}dist.${process.pid}`, `${root}dist`];
  const former = `${made}.former`;
  try {
    await make(made);
    // Moved, as removing takes its time: a relay that runs from it may load a part just now.
    if (existsSync(out)) renameSync(out, former);
    // The second of two builds at once fails here, and scripts/start then runs the sources.
    renameSync(made, out);
  } finally {
    for (const folder of [made, former]) rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes the program as one file that needs no Bun either. It reads nothing of the folder it is called in. */
export async function buildBinary(outfile: string): Promise<void> {
  const compile = { outfile, autoloadDotenv: false, autoloadBunfig: false };
  const folder = mkdtempSync(join(tmpdir(), "signalbox-"));
  try {
    const file = join(folder, "console.pack");
    writeFileSync(file, JSON.stringify((await packConsole()).pack));
    await Bun.build({ ...PROGRAM, entrypoints: [ENTRY, DAEMON, ...PARTS, file], loader: { ".pack": "file" }, compile });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [, , how, folder = ""] = process.argv;
if (import.meta.main && how === "--to") await buildProgram(folder);
else if (import.meta.main)
  await replaceDist(async (folder) => {
    await buildProgram(folder);
    // Sources that it is made of, as scripts/count-sources counts them.
    writeFileSync(`${folder}/.sources`, how ?? "");
  });
