import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli, tempFolder } from "./cli-harness.ts";
import { createFarEnd, type FarEnd, problem } from "./client-harness.ts";

// Processes are started here: on a busy machine that takes its time.
setDefaultTimeout(30_000);

let far: FarEnd;
let folder: ReturnType<typeof tempFolder>;
beforeEach(() => {
  far = createFarEnd();
  folder = tempFolder();
});
afterEach(async () => {
  await far.close();
  folder.remove();
});

const leave = (name: string, text: string) => writeFileSync(join(folder.path, name), text);
const tokens = () => far.requests.map(({ headers }) => headers.get("authorization"));

describe("the relay and the token", () => {
  test("are found in the data folder of the server on this machine", async () => {
    leave("server.json", JSON.stringify({ url: far.url, pid: process.pid }));
    leave("operator.token", "sbx_operator\n");
    await runCli(["health"], { env: { SIGNALBOX_DATA_DIR: folder.path } });
    await runCli(["health", "--data", folder.path]);
    expect(tokens()).toEqual(["Bearer sbx_operator", "Bearer sbx_operator"]);
  });

  test("are flags before environment", async () => {
    const env = { SIGNALBOX_URL: "http://127.0.0.1:1", SIGNALBOX_TOKEN: "env" };
    await runCli(["health", "--url", far.url, "--token", "flag"], { env });
    await runCli(["--url", far.url, "health"], { env });
    expect(tokens()).toEqual(["Bearer flag", "Bearer env"]);
  });

  test("of an operator go to no other address", async () => {
    leave("server.json", JSON.stringify({ url: "http://127.0.0.1:1", pid: process.pid }));
    leave("operator.token", "sbx_operator\n");
    const ran = await runCli(["health", "--url", far.url, "--data", folder.path]);
    expect(tokens()).toEqual([null]);
    expect(ran.code).toBe(1);
  });

  test("of an operator go to the same server by its other name", async () => {
    leave("server.json", JSON.stringify({ url: far.url, pid: process.pid }));
    leave("operator.token", "sbx_operator\n");
    await runCli(["health", "--url", far.url.replace("127.0.0.1", "localhost"), "--data", folder.path]);
    expect(tokens()).toEqual(["Bearer sbx_operator"]);
  });

  test("are not what a killed server left behind", async () => {
    const dead = Bun.spawn(["true"]);
    await dead.exited;
    leave("server.json", JSON.stringify({ url: far.url, pid: dead.pid }));
    leave("operator.token", "sbx_operator\n");
    const ran = await runCli(["doctor", "--json", "--data", folder.path]);
    expect(ran.stdout).toContain("http://127.0.0.1:4747");
    expect(far.asked).toEqual([]);
  });
});

describe("a command ends", () => {
  test("with 1 when the relay answers with a problem, which it tells", async () => {
    far.answer(() => problem("unauthorized"));
    const ran = await runCli(["whoami", "--url", far.url]);
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr).toContain("far end: unauthorized");
    expect(ran.stderr).toContain("The token: none given");
    const json = await runCli(["whoami", "--url", far.url, "--json"]);
    expect(JSON.parse(json.stderr)).toMatchObject({ code: "unauthorized", status: 401 });
  });

  test("with 2 when it was not understood", async () => {
    for (const args of [["nonsense"], ["claim", "seven"], ["send"], ["inbox", "--ack", "--topic", "x"], []]) {
      expect(await runCli(args)).toMatchObject({ code: 2, stdout: "" });
    }
    expect(await runCli(["health", "--url", "ftp://x"])).toMatchObject({ code: 2 });
  });

  test("with 3 when nobody answers, and when it was not a relay", async () => {
    expect(await runCli(["doctor", "--url", "http://127.0.0.1:1"])).toMatchObject({ code: 3 });
    far.answer(() => new Response("<h1>It works!</h1>"));
    expect(await runCli(["health", "--url", far.url])).toMatchObject({ code: 3 });
  });

  test("with 4 when there is nothing to claim", async () => {
    far.answer(() => Response.json({ items: [] }));
    const ran = await runCli(["claim", "--as", "a", "--json", "--url", far.url]);
    expect(ran.code).toBe(4);
    expect(JSON.parse(ran.stdout)).toEqual({ items: [] });
  });

  test("with 0 and an example when it was asked for help", async () => {
    for (const name of ["send", "inbox", "work", "claim", "serve", "doctor"]) {
      const ran = await runCli([name, "--help"]);
      expect(ran.code).toBe(0);
      expect(ran.stdout).toContain(`$ signalbox ${name}`);
      expect(ran.stdout).toContain("Exit codes:");
    }
  });
});
