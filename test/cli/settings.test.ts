import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUN_FLAGS } from "../../src/cli/own.ts";
import { callCli, runCli, runLine, tempFolder } from "../support/cli-harness.ts";
import { createFarEnd, type FarEnd, problem } from "../support/client-harness.ts";

// Processes are started here: on a busy machine that takes its time.
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

const MAIN = join(import.meta.dir, "../../src/cli/main.ts");
/** Starts a program as a user without rights. */
const NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
const mayRun = (command: string[]) =>
  process.getuid?.() === 0 && Bun.which("setpriv") !== null && Bun.spawnSync([...NOBODY, ...command]).success;

const leave = (name: string, text: string) => writeFileSync(join(folder.path, name), text);
const SECRET = "sbx_the-operators-own-secret";
/** A data folder of a server that runs at `url`. */
function dataFolder(url: string, token = SECRET, pid = process.pid): void {
  leave("server.json", JSON.stringify({ url, pid }));
  leave("operator.token", `${token}\n`);
}
const tokens = () => far.requests.map(({ headers }) => headers.get("authorization"));

describe("the relay and the token", () => {
  test("the relay and the token are found in the data folder of the server on this machine", async () => {
    leave("server.json", JSON.stringify({ url: far.url, pid: process.pid }));
    leave("operator.token", `${SECRET}\n`);
    await callCli(["health"], { env: { SIGNALBOX_DATA_DIR: folder.path } });
    await callCli(["health", "--data", folder.path]);
    expect(tokens()).toEqual([`Bearer ${SECRET}`, `Bearer ${SECRET}`]);
  });

  test("the relay and the token of the environment go together, to no address that another place names", async () => {
    const env = { SIGNALBOX_URL: far.url, SIGNALBOX_TOKEN: "env" };
    await callCli(["health"], { env });
    await callCli(["health", "--token", "flag"], { env });
    expect(tokens()).toEqual(["Bearer env", "Bearer flag"]);
    const other = { ...env, SIGNALBOX_URL: "http://127.0.0.1:1" };
    await callCli(["health", "--url", far.url, "--token", "flag"], { env: other });
    const ran = await callCli(["--url", far.url, "whoami"], { env: other });
    expect(tokens().slice(2)).toEqual(["Bearer flag", null]);
    await callCli(["--url", `${far.url}/other`, "whoami"], { env });
    expect(tokens().at(-1)).toBe(null);
    await callCli(["--url", `${far.url}/`, "whoami"], { env });
    expect(tokens().at(-1)).toBe("Bearer env");
    await callCli(["--url", far.url, "health"], { env: { SIGNALBOX_TOKEN: "env" } });
    expect(tokens().at(-1)).toBe(null);
    far.answer(() => problem("unauthorized"));
    const refused = await callCli(["--url", far.url, "whoami"], { env: other });
    expect(ran.code).toBe(1);
    expect(refused.stderr).toContain(`The token: none given for ${far.url}: SIGNALBOX_TOKEN is for http://127.0.0.1:1`);
  });

  test("the relay and the token of the environment are for a server on this machine with the same settings", async () => {
    await callCli(["health"], { env: { SIGNALBOX_TOKEN: "env", SIGNALBOX_PORT: new URL(far.url).port } });
    expect(tokens()).toEqual(["Bearer env"]);
  });

  test("the relay and the token of the environment come before those of the folder, even for the same server", async () => {
    dataFolder(far.url);
    await callCli(["health"], {
      env: { SIGNALBOX_URL: far.url, SIGNALBOX_TOKEN: "env", SIGNALBOX_DATA_DIR: folder.path },
    });
    expect(tokens()).toEqual(["Bearer env"]);
  });

  test("the relay and the token of keys go to no other address", async () => {
    const keys = join(folder.path, "keys.json");
    leave("keys.json", JSON.stringify({ url: "http://127.0.0.1:1", agentId: "a", token: "key", tokenId: "tok_1" }));
    const ran = await callCli(["health", "--keys", keys, "--url", far.url]);
    expect(ran).toMatchObject({ code: 2 });
    expect(ran.stderr).toContain("leave out --url");
    await callCli(["health", "--keys", keys, "--url", far.url, "--token", "flag"]);
    expect(tokens()).toEqual(["Bearer flag"]);
  });

  test("the relay and the token of an operator go to no other address", async () => {
    leave("server.json", JSON.stringify({ url: "http://127.0.0.1:1", pid: process.pid }));
    leave("operator.token", `${SECRET}\n`);
    const ran = await callCli(["health", "--url", far.url, "--data", folder.path]);
    expect(tokens()).toEqual([null]);
    expect(ran.code).toBe(1);
  });

  test("the relay and the token of an operator go to the same server by its other name", async () => {
    leave("server.json", JSON.stringify({ url: far.url, pid: process.pid }));
    leave("operator.token", `${SECRET}\n`);
    await callCli(["health", "--url", far.url.replace("127.0.0.1", "localhost"), "--data", folder.path]);
    expect(tokens()).toEqual([`Bearer ${SECRET}`]);
  });

  test("the relay and the token are not what a killed server left behind", async () => {
    const dead = Bun.spawn(["true"]);
    await dead.exited;
    dataFolder(far.url, SECRET, dead.pid);
    const ran = await callCli(["doctor", "--data", folder.path]);
    expect(ran.code).toBe(3);
    expect(ran.stderr).toStartWith(`signalbox: no relay runs with the data in ${folder.path} (--data)`);
    expect(far.asked).toEqual([]);
  });

  test.skipIf(!mayRun(["test", "-r", MAIN]))(
    "the relay and the token of a folder that this user may not look into are not said to be missing",
    async () => {
      const program = [...NOBODY, process.execPath, ...BUN_FLAGS, MAIN].join(" ");
      chmodSync(folder.path, 0o700);
      for (const command of ["doctor", "upgrade --check"]) {
        const line = `${program} ${command} --data ${folder.path} 2>&1`;
        const ran = await runLine(line, "/");
        expect([ran.code, ran.stdout]).toEqual([
          2,
          expect.stringMatching(/his user may not look into .*: call this as/),
        ]);
      }
    },
  );

  test("the relay and the token of a wrong --data are never those of another relay", async () => {
    const env = { SIGNALBOX_URL: far.url, SIGNALBOX_TOKEN: "env" };
    for (const named of [folder.path, join(folder.path, "nowhere")]) {
      const ran = await callCli(["health", "--data", named], { env });
      expect(ran.code).toBe(3);
      expect(ran.stderr).toContain(`no relay runs with the data in ${named} (--data)`);
    }
    const ran = await callCli(["health"], { env: { SIGNALBOX_DATA_DIR: folder.path } });
    expect(ran.stderr).toContain("(SIGNALBOX_DATA_DIR)");
    expect(far.asked).toEqual([]);
  });

  test("the relay and the token of a flag that a missing variable left empty are nobody else's", async () => {
    dataFolder(far.url);
    for (const flag of ["--url", "--token", "--data", "--keys", "--as", "--instance"]) {
      const ran = await callCli(["health", "--data", folder.path, flag, ""]);
      expect(ran.code).toBe(2);
      expect(ran.stderr).toContain(`option '${flag}`);
    }
    expect(far.asked).toEqual([]);
  });

  test("the relay and the token are not in an address together: it is refused, and the password shown nowhere", async () => {
    const url = far.url.replace("//", "//me:pass-word@");
    leave("keys.json", JSON.stringify({ url, agentId: "a", token: "key", tokenId: "tok_1" }));
    for (const [args, env] of [
      [["--url", url], {}],
      [[], { SIGNALBOX_URL: url, SIGNALBOX_TOKEN: "env" }],
      [["--keys", join(folder.path, "keys.json")], {}],
    ] as const) {
      const ran = await callCli(["whoami", ...args], { env });
      expect(ran).toMatchObject({ code: 2, stdout: "" });
      expect(ran.stderr).toContain("has a user or a password in it");
      expect(ran.stderr).not.toContain("pass-word");
    }
    expect(await callCli(["health", "--url", `${far.url}/?x=1`])).toMatchObject({ code: 2 });
    expect(far.asked).toEqual([]);
  });

  test("the relay and the token of a relay on this machine are seen by no proxy", async () => {
    const proxy = createFarEnd();
    const names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    const env = { ...Object.fromEntries(names.map((name) => [name, proxy.url])), SIGNALBOX_TOKEN: "env" };
    for (const url of [far.url, far.url.replace("127.0.0.1", "localhost")])
      for (const more of [undefined, { NO_PROXY: "relay.example", no_proxy: "other.example" }])
        await callCli(["health"], { env: { ...env, ...more, SIGNALBOX_URL: url } });
    expect(tokens()).toEqual(Array(4).fill("Bearer env"));
    expect(proxy.asked).toEqual([]);
    await callCli(["health"], { env: { ...env, SIGNALBOX_URL: "http://relay.invalid" } });
    expect(proxy.asked).not.toEqual([]);
    await proxy.close();
  });

  test("the relay and the token are missed in a wrong folder, with the way out", async () => {
    for (const name of ["health", "doctor", "whoami"]) {
      const ran = await callCli([name], { cwd: folder.path });
      expect(ran.code).toBe(3);
      expect(ran.stderr).toBe(
        "signalbox: no relay runs with ./data of this folder: start one (signalbox serve), go to the folder of one that runs, or give --data or SIGNALBOX_URL\n",
      );
    }
  });
});

describe("the folder that a command is called in", () => {
  /** `./data` of the folder. */
  function here(url: string, token?: string): void {
    const data = join(folder.path, "data");
    mkdirSync(data, { recursive: true });
    writeFileSync(join(data, "server.json"), JSON.stringify({ url, pid: process.pid }));
    if (token) writeFileSync(join(data, "operator.token"), token);
  }
  const call = (args: string[], env = {}) => callCli(args, { cwd: folder.path, env });

  test("the folder that a command is called in is where a relay was started: its address is used with the token beside it", async () => {
    here(far.url, SECRET);
    await call(["health"]);
    expect(tokens()).toEqual([`Bearer ${SECRET}`]);
  });

  test("the folder that a command is called in gets no token of the environment, of a flag or of keys", async () => {
    here(far.url, SECRET);
    const usual = createFarEnd();
    const { port } = new URL(usual.url);
    await call(["health"], { SIGNALBOX_TOKEN: "env", SIGNALBOX_PORT: port });
    await call(["health", "--token", "flag"], { SIGNALBOX_PORT: port });
    expect(usual.requests.map(({ headers }) => headers.get("authorization"))).toEqual(["Bearer env", "Bearer flag"]);
    expect(far.asked).toEqual([]);
    await usual.close();
  });

  test("the folder that a command is called in is not believed without a token beside the address", async () => {
    here(far.url);
    const stderr = expect.stringContaining("give SIGNALBOX_URL and SIGNALBOX_TOKEN");
    expect({ ...(await call(["health"])), asked: far.asked }).toEqual({ code: 2, stdout: "", stderr, asked: [] });
  });

  test("the folder that a command is called in is not believed beyond loopback, unless --data names it", async () => {
    for (const url of [
      "http://192.0.2.1:4747",
      "http://relay.example",
      "http://127.0.0.1.example",
      "http://x@192.0.2.1",
    ]) {
      here(url, SECRET);
      const stderr = expect.stringContaining("which is not loopback: give --data ./data");
      expect(await call(["health"])).toEqual({ code: 2, stdout: "", stderr });
    }
    here("http://127.0.0.1.example:1", SECRET);
    expect(await call(["health", "--data", "./data"])).toMatchObject({ code: 3 });
  });

  test("the folder that a command is called in cannot make a secret elsewhere the token that is sent, nor hold a command up", async () => {
    const secret = join(folder.path, "secret");
    writeFileSync(secret, "a-secret-of-somewhere-else-entirely");
    here(far.url);
    const token = join(folder.path, "data/operator.token");
    symlinkSync(secret, token);
    expect(await call(["health"])).toMatchObject({ code: 2 });
    rmSync(token);
    Bun.spawnSync(["mkfifo", token]);
    expect(await call(["health"])).toMatchObject({ code: 2 });
    rmSync(token);
    writeFileSync(token, "two words are no token at all");
    expect(await call(["health"])).toMatchObject({ code: 2 });
    expect(far.asked).toEqual([]);
  });
});

describe("a command ends", () => {
  test("a command ends with 1 when the relay answers with a problem, which it tells", async () => {
    far.answer(() => problem("unauthorized"));
    const ran = await callCli(["whoami", "--url", far.url]);
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr).toContain("far end: unauthorized");
    expect(ran.stderr).toContain("The token: none given");
    const json = await callCli(["whoami", "--url", far.url, "--json"]);
    expect(JSON.parse(json.stderr)).toMatchObject({ code: "unauthorized", status: 401 });
  });

  test("a command ends with 2 when it was not understood", async () => {
    for (const args of [["nonsense"], ["claim", "seven"], ["send"], ["inbox", "--ack", "--topic", "x"], []]) {
      expect(await callCli(args)).toMatchObject({ code: 2, stdout: "" });
    }
    expect(await callCli(["health", "--url", "ftp://x"])).toMatchObject({ code: 2 });
  });

  test("a command ends with 3 when nobody answers, and when it was not a relay", async () => {
    expect(await callCli(["doctor", "--url", "http://127.0.0.1:1"])).toMatchObject({ code: 3 });
    far.answer(() => new Response("<h1>It works!</h1>"));
    expect(await callCli(["health", "--url", far.url])).toMatchObject({ code: 3 });
  });

  test("a command ends with 4 when there is nothing to claim", async () => {
    far.answer(() => Response.json({ items: [] }));
    const ran = await callCli(["claim", "--as", "a", "--json", "--url", far.url]);
    expect(ran.code).toBe(4);
    expect(JSON.parse(ran.stdout)).toEqual({ items: [] });
  });

  test("a command ends with 0 and an example when it was asked for help", async () => {
    for (const name of ["send", "inbox", "work", "claim", "serve", "doctor"]) {
      const ran = await runCli([name, "--help"]);
      expect(ran.code).toBe(0);
      expect(ran.stdout).toContain(`$ signalbox ${name}`);
      expect(ran.stdout).toContain("Exit codes:");
    }
  });
});
