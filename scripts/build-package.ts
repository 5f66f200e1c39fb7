import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Glob } from "bun";
import manifest from "../package.json" with { type: "json" };
import { buildProgram, replaceDist } from "./build.ts";

/**
 * Makes dist/ as `npm pack` takes it: the program, with all libraries in it, and the client for Node, Bun and browsers, with
 * its types. npm calls it before packing.
 */
const root = fileURLToPath(new URL("..", import.meta.url));

if (Bun.version !== manifest.dependencies.bun)
  console.warn(`Made with Bun ${Bun.version}: under ${manifest.dependencies.bun}, its own, the package starts slower.`);

await replaceDist(async (folder) => {
  await Promise.all([buildProgram(folder), buildClient(folder), buildTypes(folder)]);
});

async function buildClient(folder: string): Promise<void> {
  await Bun.build({
    entrypoints: [join(root, "src/client/client.ts")],
    ...{ outdir: folder, naming: "client.js", target: "browser", format: "esm", external: ["zod"] },
  });
}

/** TypeScript leaves the suffix of imports as it is; a package has no sources for them to lead to. */
async function buildTypes(folder: string): Promise<void> {
  const types = join(folder, "types");
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const made = Bun.spawn(
    [process.execPath, tsc, "--project", "tsconfig.client.json", "--checkers", "1", "--outDir", types],
    {
      cwd: root,
    },
  );
  if ((await made.exited) !== 0) throw new Error(`tsc: ${await new Response(made.stdout).text()}`);
  for await (const file of new Glob("**/*.d.ts").scan({ cwd: types, absolute: true }))
    writeFileSync(file, readFileSync(file, "utf8").replace(/(from |import\()"(\.[^"]+)\.ts"/g, '$1"$2.js"'));
}
