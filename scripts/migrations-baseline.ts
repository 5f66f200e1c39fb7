import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Makes drizzle/0000_baseline.sql anew from the tables files, and keeps its part that is written by hand. For a baseline that no
 * release holds yet: after a release, `bun run migrations` adds a file.
 *
 *   bun run migrations:baseline && bun run stored-database
 */
const root = fileURLToPath(new URL("..", import.meta.url));
const BASELINE = "0000_baseline.sql";
const BY_HAND = "--> statement-breakpoint\n-- Written by hand:";
/** Tables of small rows, stored in the order of their key alone: drizzle does not know them. */
const WITHOUT_ROW_IDS = ["attempts", "flow", "stats", "workers"];

const others = readdirSync(`${root}drizzle`).filter((name) => name.endsWith(".sql") && name !== BASELINE);
if (others.length > 0) throw new Error(`${others.join(", ")} build on the baseline: run bun run migrations instead`);
if (Bun.spawnSync(["git", "-C", root, "describe", "--match", "v*"]).exitCode === 0)
  throw new Error("a release holds the baseline: run bun run migrations instead");

const before = readFileSync(`${root}drizzle/${BASELINE}`, "utf8");
const byHand = before.slice(before.indexOf(BY_HAND));
rmSync(`${root}drizzle`, { recursive: true });
const made = Bun.spawnSync(["bunx", "drizzle-kit", "generate", "--name", "baseline"], { cwd: root, stderr: "inherit" });
if (made.exitCode !== 0) throw new Error("drizzle-kit failed: restore drizzle/ with git");
const file = `${root}drizzle/${BASELINE}`;
const withRowIds = new RegExp(`(CREATE TABLE \`(?:${WITHOUT_ROW_IDS.join("|")})\` \\([^;]*\\n\\));`, "g");
writeFileSync(file, `${readFileSync(file, "utf8").replace(withRowIds, "$1 WITHOUT ROWID;")}\n${byHand}`);
console.log("Made anew. Run bun run stored-database next.");
