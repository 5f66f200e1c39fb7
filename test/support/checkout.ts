import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const OWN = ["node_modules", ".git", "data", "dist", "docs", "test"];

/** A checkout of the project beside this one, with links to the packages of this one: to a script it is installed already. */
export function createCheckout() {
  const path = mkdtempSync(join(tmpdir(), "signalbox-checkout-"));
  for (const name of readdirSync(ROOT))
    if (!OWN.includes(name)) cpSync(join(ROOT, name), join(path, name), { recursive: true });
  mkdirSync(join(path, "node_modules"));
  for (const name of readdirSync(join(ROOT, "node_modules")))
    if (!name.startsWith(".")) symlinkSync(join(ROOT, "node_modules", name), join(path, "node_modules", name));
  symlinkSync(join(ROOT, "node_modules/.bin"), join(path, "node_modules/.bin"));
  const checksum = Bun.spawnSync(["cksum"], { stdin: readFileSync(join(ROOT, "bun.lock")) }).stdout;
  writeFileSync(join(path, "node_modules/.installed"), `all\n${checksum}`);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
