import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** Line between two notices. */
export const NEXT_NOTICE = `\n${"-".repeat(80)}\n\n`;

/** Licences of every package that went into a bundle, and of `further` files of packages, as their authors ask for. */
export function noticesOf({ metafile }: Bun.BuildOutput, further: readonly string[] = []): string {
  const inputs = [...Object.keys(metafile?.inputs ?? {}), ...further];
  const packages = inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? []);
  return [...new Set(packages)].sort().map(noticeOf).join(NEXT_NOTICE);
}

function noticeOf(path: string): string {
  // Named from the folder that the bundle was made in.
  const folder = resolve(path);
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
  const texts = files.sort().map((file) => readFileSync(join(folder, file), "utf8").trim());
  return `${[`${name} ${version} (${license})`, ...texts].join("\n\n")}\n`;
}
