import { renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Used by some installations alone, and loaded from node_modules by those. */
const LATE = ["@a2a-js/*", "@modelcontextprotocol/*", "@slack/*", "grammy", "grammy/*", "prom-client"];

/**
 * Makes dist/main.js: the server as one file with its bytecode beside it, so that a start neither looks for, transpiles nor
 * parses 900 modules. Migrations, the docs page and the database workers are still read from the project's folders.
 * @param sources what it is made of, kept for `scripts/start`, which makes it anew when that has changed
 */
async function build(sources: string): Promise<void> {
  const [made, out] = [`${root}dist.${process.pid}`, `${root}dist`];
  try {
    await Bun.build({
      entrypoints: [`${root}src/main.ts`],
      outdir: made,
      target: "bun",
      // Bun makes bytecode of CommonJS alone. One of another version leaves it aside.
      format: "cjs",
      bytecode: true,
      external: LATE,
      // Where the bundle lies when it runs, not where it was made: see src/root.ts.
      define: { "import.meta.dirname": "module.path" },
    });
    writeFileSync(`${made}/.sources`, sources);
    rmSync(out, { recursive: true, force: true });
    // Of two at once one comes first; both made the same.
    renameSync(made, out);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

await build(process.argv[2] ?? "");
