import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SECRETS, SETTINGS } from "../../../src/settings.ts";
import { runCli } from "../../support/cli-harness.ts";
import { ENGINE, RELAY } from "../../support/program.ts";
import { atEnd, tempFolder } from "../../support/relay.ts";
import { startServer } from "../../support/server.ts";
import { until } from "../../support/until.ts";

/** The server program, as scripts/start calls it, in a folder of its own. */
function start(flags: string[], env: Record<string, string> = {}) {
  const cwd = tempFolder();
  const child = Bun.spawn([...RELAY, ...flags], {
    cwd,
    env: { PATH: process.env.PATH ?? "", ...ENGINE, ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  atEnd(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  let printed = "";
  void (async () => {
    for await (const bytes of child.stdout) printed += new TextDecoder().decode(bytes);
  })();
  const complaint = new Response(child.stderr).text();
  return {
    cwd,
    child,
    printed: () => printed,
    /** The log, once it says where the server listens. */
    async listening() {
      await until(() => /"url":"[^"]+".*\n/.test(printed), "it listens");
      return printed
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    },
    ended: async () => ({ code: await child.exited, said: await complaint }),
  };
}

describe("the flags of the server", () => {
  test("the flags of the server say the same as the environment, and come before it", async () => {
    const folder = join(tempFolder(), "data");
    const env = { SIGNALBOX_PORT: "1", SIGNALBOX_DURABILITY: "normal" };
    const server = start(["--port", "0", `--data=${folder}`, "--log-level", "info"], env);
    const [line] = await server.listening();
    expect(line).toMatchObject({ dataDir: folder, durability: "normal" });
    expect(new URL(line.url).port).not.toBe("1");
    expect(existsSync(join(folder, "signalbox.db"))).toBe(true);
    expect(existsSync(join(server.cwd, "data"))).toBe(false);
  });

  test("the flags of the server are there for every setting, but not for secrets; --help lists them and starts nothing", async () => {
    const ran = start(["--port", "0", "--help"]);
    await ran.child.exited;
    await until(() => ran.printed().includes("Exit codes"), "the help");
    expect(await ran.ended()).toEqual({ code: 0, said: "" });
    for (const name of Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]) {
      const flag = `--${name.replace("SIGNALBOX_", "").toLowerCase().replaceAll("_", "-")} `;
      expect(ran.printed().includes(flag)).toBe(!SECRETS.has(name) || name === "SIGNALBOX_TOKEN");
    }
    expect(existsSync(join(ran.cwd, "data"))).toBe(false);
    for (const words of [
      ["serve", "--help"],
      ["help", "serve"],
      ["serve", "-h"],
    ])
      expect(await runCli(words)).toMatchObject({ code: 0, stdout: ran.printed() });
  });

  test("the flags of the server that are wrong stop the start, all in one message", async () => {
    const wrong = [
      "--port",
      "x",
      "--prot",
      "5",
      "--durability",
      "never",
      "--log-level=loud",
      "extra",
      "--host",
      "--nope",
    ];
    const { code, said } = await start(wrong, { SIGNALBOX_PORTS: "1", SIGNALBOX_RATE_LIMIT: "-1" }).ended();
    expect(code).toBe(2);
    for (const fault of [
      "--port: has to be a whole number from 0 to 65535",
      "--prot is not a flag (--port?)",
      "--durability: has to be full or normal",
      "--host needs a value",
      "--log-level: has to be trace, debug,",
      "extra is not a flag",
      "SIGNALBOX_PORTS is not a setting: SIGNALBOX_PORT?",
      "SIGNALBOX_RATE_LIMIT: has to be a whole number from 0 to 10000000",
    ])
      expect(said).toContain(fault);
    expect(await runCli(["serve", "--port", "70000"])).toMatchObject({ code: 2 });
  });
});

describe("the file that --config names", () => {
  test("the file that --config names has the same names; the environment and flags come before it", async () => {
    const folder = tempFolder();
    const file = join(folder, "signalbox.env");
    const lines = [
      "# the relay",
      "",
      `SIGNALBOX_DATA_DIR="${join(folder, "data")}"`,
      "export SIGNALBOX_DURABILITY=normal",
      "SIGNALBOX_PORT=1",
      "SIGNALBOX_LOG_LEVEL='debug'",
    ];
    writeFileSync(file, lines.join("\r\n"));
    const [line] = await start(["--config", file, "--port", "0"], { SIGNALBOX_LOG_LEVEL: "info" }).listening();
    expect(line).toMatchObject({ dataDir: join(folder, "data"), durability: "normal" });
  });

  test("the file that --config names is refused whole, with the faults of the rest, when it cannot be taken", async () => {
    const file = join(tempFolder(), "signalbox.env");
    writeFileSync(file, "SIGNALBOX_PORT=x\nPATH=/tmp\nwhat is this\nSIGNALBOX_HOST=a\nSIGNALBOX_HOST=b\n");
    const { code, said } = await start(["--config", file], { SIGNALBOX_NONSENSE: "1" }).ended();
    expect(code).toBe(2);
    for (const fault of [
      "SIGNALBOX_PORT: has to be a whole number",
      "PATH in the file is not a setting",
      "line 3 has to be NAME=value",
      "line 5: SIGNALBOX_HOST is there twice",
      "SIGNALBOX_NONSENSE is not a setting",
    ])
      expect(said).toContain(fault);
    expect((await start(["--config", "/nowhere"]).ended()).said).toContain(
      "--config /nowhere cannot be read: there is no such file. Give another",
    );
  });

  test("the file that --config names is read only when it is named", async () => {
    const server = start(["--port", "0"]);
    for (const name of [".env", "signalbox.env", "config", "signalbox.json"])
      writeFileSync(join(server.cwd, name), "SIGNALBOX_NONSENSE=1\n");
    expect((await server.listening())[0]).toMatchObject({ dataDir: "./data" });
  });
});

describe("a start that cannot be", () => {
  test("a start that cannot be says that the port is taken, and by which flag to give another", async () => {
    const { url } = await startServer();
    const { port } = new URL(url);
    const { code, said } = await start(["--port", port]).ended();
    expect({ code, said }).toEqual({
      code: 1,
      said: `Port ${port} of 127.0.0.1 is taken, perhaps by another relay. Stop that one, or give another port with --port or SIGNALBOX_PORT.\n`,
    });
  });

  test("a start that cannot be says that the folder cannot be used, and that the address is not this machine's", async () => {
    const folder = await start(["--port", "0", "--data", "/dev/null/data"]).ended();
    expect(folder.said).toContain("The data folder /dev/null/data cannot be used: a part of its path is a file.");
    for (const [name, isFolder, said] of [
      ["signalbox.db", false, "its signalbox.db is no database"],
      ["signalbox.db", true, "its signalbox.db cannot be opened"],
      ["operator.token", true, "a folder is where one of its files has to be"],
    ] as const) {
      const data = tempFolder();
      if (isFolder) mkdirSync(join(data, name));
      else writeFileSync(join(data, name), "no database, ".repeat(1000));
      const ran = await start(["--port", "0", "--data", data]).ended();
      expect(ran.said).toStartWith(`The data folder ${data} cannot be used: ${said}`);
    }
    for (const host of ["192.0.2.1", "300.1.1.1", "relay.invalid"]) {
      const { said } = await start(["--port", "0", "--host", host]).ended();
      expect(said).toContain(`${host} is not an address of this machine.`);
    }
  });
});

describe("the log", () => {
  test("the log warns where tokens can be read on the way, and not behind TLS or on loopback", async () => {
    const warned = async (flags: string[]) => {
      const server = start(["--port", "0", ...flags]);
      await server.listening();
      return server.printed().includes("there is no TLS");
    };
    expect(await warned(["--host", "0.0.0.0"])).toBe(true);
    expect(await warned(["--host", "::"])).toBe(true);
    expect(await warned(["--host", "0.0.0.0", "--public-url", "https://relay.example"])).toBe(false);
    expect(await warned(["--host", "127.0.0.1"])).toBe(false);
  });

  test("the log has at debug a line for each request, with its id and without its query and token", async () => {
    const server = start(["--port", "0", "--log-level", "debug"]);
    const [{ url }] = await server.listening();
    const token = readFileSync(join(server.cwd, "data/operator.token"), "utf8").trim();
    const headers = { authorization: `Bearer ${token}`, "x-request-id": "mine-1" };
    await fetch(`${url}/v1/messages?q=secret-word`, { headers });
    await fetch(`${url}/nowhere`, { headers: { "x-request-id": "mine-2" } });
    await until(() => server.printed().includes("mine-2"), "the second request");
    const lines = (await server.listening()).filter(({ requestId }) => requestId);
    expect(lines).toMatchObject([
      { level: 20, requestId: "mine-1", method: "GET", path: "/v1/messages", status: 200 },
      { level: 20, requestId: "mine-2", method: "GET", path: "/nowhere", status: 404 },
    ]);
    expect(server.printed()).not.toContain("secret-word");
    expect(server.printed()).not.toContain(token);
  });

  test("the log is readable on a terminal", async () => {
    let shown = "";
    const decoder = new TextDecoder();
    const show = (text: string) => {
      shown += text;
    };
    const child = Bun.spawn([...RELAY, "--port", "0", "--data", join(tempFolder(), "d e")], {
      env: { PATH: process.env.PATH ?? "", ...ENGINE },
      terminal: { cols: 200, rows: 50, data: (_, bytes) => show(decoder.decode(bytes)) },
    });
    atEnd(async () => child.kill("SIGKILL"));
    await until(() => shown.includes("durability=full"), "the first line");
    child.kill("SIGTERM");
    await child.exited;
    expect(shown).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}Signalbox listens on http:\/\/127\.0\.0\.1:\d+ {2}url=http/);
    expect(shown).toMatch(/dataDir="[^"]+\/d e" durability=full\r?\n/);
    expect(shown).not.toContain('{"level"');
  });
});
