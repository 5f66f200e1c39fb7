import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { createCheckout } from "../support/checkout.ts";
import { createFarEnd } from "../support/client-harness.ts";
import { BUNFIGS, hostileFolder } from "../support/hostile-folder.ts";
import { runIn, startRelayBy } from "../support/programs.ts";
import { until } from "../support/until.ts";

// Built once, in a checkout that is gone when the binary runs.
const folder = mkdtempSync(join(tmpdir(), "signalbox-binary-"));
const binary = join(folder, "signalbox");
const checkout = createCheckout();
let relay: Awaited<ReturnType<typeof startRelayBy>>;
beforeAll(async () => {
  const built = await runIn(checkout.path, [process.execPath, "run", "build:binary", binary]);
  checkout.remove();
  expect(built).toMatchObject({ code: 0 });
  relay = await startRelayBy(folder, [binary], join(folder, "data"));
});
afterAll(async () => {
  relay?.child.kill("SIGKILL");
  await relay?.child.exited;
  rmSync(folder, { recursive: true, force: true });
});

test("the binary serves, with its migrations, the docs page and the database workers in it", async () => {
  const swagger = ["swagger-ui-bundle.js", "swagger-ui.css", "index.css", "favicon-32x32.png"];
  const pages = ["/", "/docs", "/docs/start.js", ...swagger.map((name) => `/docs/${name}`), "/openapi.json"];
  for (const path of [...pages, "/v1/health", "/metrics", "/v1/webhooks", "/.well-known/agent-card.json"])
    expect([path, (await relay.ask(path)).status]).toEqual([path, 200]);
  const sent = await runIn(folder, [binary, "send", "user", "four words"]);
  expect(sent).toMatchObject({ code: 0, stdout: "Message 1 to user, which is 1 agent\n" });
  await until(async () => (await relay.ask("/v1/messages?q=words")).text().then((text) => text.includes("four words")));
  expect((await relay.ask("/v1/backups", { method: "POST" })).status).toBe(201);
});

test("the binary has every command", async () => {
  expect(await runIn(folder, [binary, "--version"])).toMatchObject({ code: 0, stdout: `${manifest.version}\n` });
  expect((await runIn(folder, [binary, "serve", "--help"])).stdout).toContain("Exit codes");
  expect((await runIn(folder, [binary, "whoami", "--data", "no-such-folder"])).code).toBe(3);
});

test("the binary starts itself for a drill", async () => {
  const drilled = await runIn(folder, [binary, "drill", "--kills", "1"]);
  expect(drilled).toMatchObject({ code: 0, stdout: expect.stringContaining("lost 0, doubled 0") });
});

test("the binary is what connect writes, and the hooks call it", async () => {
  const HOME = join(folder, "home");
  const connected = await runIn(folder, [binary, "connect", "claude", "--agent", "reviewer", "--yes"], { HOME });
  expect(connected).toMatchObject({ code: 0 });
  expect(readFileSync(join(HOME, ".config/signalbox/bin/signalbox"), "utf8")).toContain(`exec ${binary} "$@"`);
  await runIn(folder, [binary, "send", "reviewer", "look"]);
  const { hooks } = JSON.parse(readFileSync(join(folder, ".claude/settings.local.json"), "utf8"));
  const event = JSON.stringify({ hook_event_name: "SessionStart", session_id: "s" });
  const hook = await runIn(tmpdir(), ["sh", "-c", hooks.SessionStart[0].hooks[0].command], { HOME }, event);
  expect(hook).toMatchObject({ code: 0, stdout: expect.stringContaining("unread") });
});

test.each(Object.keys(BUNFIGS) as (keyof typeof BUNFIGS)[])(
  // The second one opens the database of the first, which has ended in order.
  "the binary runs and believes nothing of the folder it is called in, where a bunfig.toml %s, and ends in order",
  async (bunfig) => {
    const far = createFarEnd();
    const here = hostileFolder(far.url, bunfig);
    const { child, ask } = await startRelayBy(here.path, [binary], join(folder, "again"));
    for (const path of ["/v1/health", "/readyz"]) expect((await ask(path)).status).toBe(200);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    const who = await runIn(here.path, [binary, "whoami", "--json", "--data", join(folder, "data")]);
    expect(who).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(who.stdout)).toMatchObject({ role: "operator", agentId: "user" });
    expect({ asked: far.asked, hasRun: here.hasRun() }).toEqual({ asked: [], hasRun: false });
    await far.close();
  },
);

test("the binary does not know where it was built", () => {
  expect(readFileSync(binary, "latin1").includes(checkout.path)).toBe(false);
});

test("the binary is compiled with the flags that docs/architecture.md names", () => {
  const textOf = (path: string) => readFileSync(join(import.meta.dir, "../..", path), "utf8");
  const flags = [...textOf("docs/architecture.md").matchAll(/--no-compile-autoload-([a-z]+)/g)].map(([, what]) => what);
  const options = [...textOf("scripts/build.ts").matchAll(/autoload(\w+): false/g)].map(([, what]) =>
    what?.toLowerCase(),
  );
  expect(flags).toHaveLength(2);
  expect(options.sort()).toEqual(flags.sort());
});
