import { expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUN_FLAGS } from "../../src/cli/own.ts";
import { createCheckout } from "../support/checkout.ts";
import { runCli } from "../support/cli-harness.ts";
import { atEnd, tempFolder } from "../support/relay.ts";
import { until } from "../support/until.ts";

test("bun run dev serves seed agents on scratch data, starts anew when a source changes, and leaves nothing", async () => {
  const { path: checkout, remove } = createCheckout();
  const TMPDIR = tempFolder();
  const child = Bun.spawn([process.execPath, ...BUN_FLAGS, join(checkout, "scripts/dev.ts"), "--port", "0"], {
    env: { PATH: process.env.PATH, TMPDIR },
    stdout: "pipe",
    stderr: "pipe",
  });
  atEnd(async () => {
    child.kill("SIGINT");
    await child.exited;
    remove();
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    void (async () => {
      for await (const bytes of stream) printed += new TextDecoder().decode(bytes);
    })();

  await until(() => printed.includes("Ctrl-C removes the data"), "the seed agents");
  const [folder = ""] = readdirSync(TMPDIR);
  const env = { SIGNALBOX_DATA_DIR: join(TMPDIR, folder) };
  const { items } = JSON.parse((await runCli(["agents", "list", "--json"], { env })).stdout);
  expect(items.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining(["builder", "planner", "reviewer"]));
  expect((await runCli(["inbox", "--as", "reviewer"], { env })).stdout).toContain("Review the migration");

  const source = join(checkout, "src/version.ts");
  writeFileSync(source, `${readFileSync(source, "utf8")}// changed\n`);
  await until(() => printed.split("Signalbox listens").length === 3, "the second start");

  child.kill("SIGINT");
  await child.exited;
  expect(readdirSync(TMPDIR)).toEqual([]);
});
