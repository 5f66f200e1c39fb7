import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

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
  const checksum = Bun.spawnSync(["cksum"], { stdin: readFileSync(join(ROOT, "bun.lock")) }).stdout;
  writeFileSync(join(path, "node_modules/.installed"), `all\n${checksum}`);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
