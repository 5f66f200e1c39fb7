import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { BUILT } from "./program.ts";

const ROOT = join(import.meta.dir, "../..");
/** Left out: large, made here, or of no use to a build. */
const LEFT_OUT = /^(node_modules|\.git|data|dist.*|docs|signalbox|test)$/;

/** Copies this checkout into a temporary folder, and links its packages: scripts take the copy for an installed checkout. */
export function createCheckout() {
  const path = mkdtempSync(join(tmpdir(), "signalbox-checkout-"));
  for (const name of readdirSync(ROOT))
    if (!LEFT_OUT.test(name)) cpSync(join(ROOT, name), join(path, name), { recursive: true });
  mkdirSync(join(path, "node_modules"));
  for (const name of readdirSync(join(ROOT, "node_modules")))
    if (!name.startsWith(".")) symlinkSync(join(ROOT, "node_modules", name), join(path, "node_modules", name));
  symlinkSync(join(ROOT, "node_modules/.bin"), join(path, "node_modules/.bin"));
  if (BUILT !== undefined) writeFileSync(join(path, "scripts/console.ts"), builtConsole(BUILT));
  const checksum = Bun.spawnSync(["cksum"], { stdin: readFileSync(join(ROOT, "bun.lock")) }).stdout;
  writeFileSync(join(path, "node_modules/.installed"), `all\n${checksum}`);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Takes the console that the test command has built: each build would make it from the sources, for 2 s of CPU. */
const builtConsole = (folder: string): string => `import { readFileSync } from "node:fs";
const built = (file: string) => readFileSync(\`${folder}/\${file}\`, "utf8");
export const packConsole = async () => ({ pack: JSON.parse(built("docs-page/console.pack")), notices: built("NOTICES.txt") });
`;

const COUNT =
  'root=$1; packages=program; . "$root/scripts/ensure-bun"; . "$root/scripts/count-sources"; echo "$sources"';

/** Puts the program that the test command has built into a checkout, as if it had been made there: a build takes 4 s of CPU. */
export function withProgram(checkout: string): void {
  if (BUILT === undefined) return;
  cpSync(BUILT, join(checkout, "dist"), { recursive: true });
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  const { stdout } = Bun.spawnSync(["sh", "-c", COUNT, "sh", checkout], { env });
  writeFileSync(join(checkout, "dist/.sources"), stdout.toString().trim());
}
