import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Glob } from "bun";
import { buildProgram, replaceDist } from "./build.ts";

/**
 * Makes dist/ as `npm pack` takes it: the program, with all libraries in it; the client for Node, Bun and browsers, with its
 * types; and the notices of those libraries. npm calls it before packing.
 */
const root = fileURLToPath(new URL("..", import.meta.url));

await replaceDist(async (folder) => {
  const [program, client] = await Promise.all([buildProgram(folder), buildClient(folder), buildTypes(folder)]);
  writeFileSync(join(folder, "NOTICES.txt"), noticesOf([...program, client]));
});

function buildClient(folder: string): Promise<Bun.BuildOutput> {
  return Bun.build({
    entrypoints: [join(root, "src/client/client.ts")],
    ...{ outdir: folder, naming: "client.js", target: "browser", format: "esm", external: ["zod"], metafile: true },
  });
}

/** TypeScript leaves the suffix of imports as it is; a package has no sources for them to lead to. */
async function buildTypes(folder: string): Promise<void> {
  const types = join(folder, "types");
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const made = Bun.spawn([process.execPath, tsc, "--project", "tsconfig.client.json", "--outDir", types], {
    cwd: root,
  });
  if ((await made.exited) !== 0) throw new Error(`tsc: ${await new Response(made.stdout).text()}`);
  for await (const file of new Glob("**/*.d.ts").scan({ cwd: types, absolute: true }))
    writeFileSync(file, readFileSync(file, "utf8").replace(/(from |import\()"(\.[^"]+)\.ts"/g, '$1"$2.js"'));
}

/** Licences of everything that went into the files, as their authors ask for. */
function noticesOf(outputs: readonly Bun.BuildOutput[]): string {
  const inputs = outputs.flatMap(({ metafile }) => Object.keys(metafile?.inputs ?? {}));
  const packages = inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? []);
  return [...new Set(packages)]
    .sort()
    .map(noticeOf)
    .join(`\n${"-".repeat(80)}\n\n`);
}

function noticeOf(path: string): string {
  const folder = [join(root, path), path].find(existsSync) ?? path;
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
  const texts = files.sort().map((file) => readFileSync(join(folder, file), "utf8").trim());
  return `${[`${name} ${version} (${license})`, ...texts].join("\n\n")}\n`;
}
