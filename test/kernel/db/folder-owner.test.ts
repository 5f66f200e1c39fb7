import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { runCli } from "../../support/cli-harness.ts";
import { ENGINE, RELAY } from "../../support/program.ts";
import { atEnd, tempFolder } from "../../support/relay.ts";
import { firstUrl } from "../../support/server.ts";

// Processes are started here: on a busy machine that takes its time.
const KNOWN = "sbx_a-token-that-a-stranger-knows";

/** Starts the server in a folder; the one way it ends is that it listens, the other that it refuses. */
async function startIn(cwd: string, flags: string[] = [], env: Record<string, string> = {}) {
  const child = Bun.spawn([...RELAY, "--port", "0", ...flags], {
    cwd,
    env: { PATH: process.env.PATH ?? "", ...ENGINE, ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const end = async () => {
    child.kill("SIGTERM");
    await child.exited;
  };
  atEnd(end);
  const said = new Response(child.stderr).text();
  const url = await firstUrl(child.stdout, []).catch(() => undefined);
  const roleOf = async (token: string) => {
    const answer = await fetch(`${url}/v1/whoami`, { headers: { authorization: `Bearer ${token}` } });
    return (await answer.json()).role as string | undefined;
  };
  return { isListening: url !== undefined, roleOf, end, said: () => said };
}

const put = (file: string, text = `${KNOWN}\n`, mode = 0o600) => {
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text, { mode });
  chmodSync(file, mode);
};

describe("a data folder that nobody named", () => {
  const strange: Record<string, (cwd: string) => void> = {
    "has an operator token": (cwd) => put(join(cwd, "data/operator.token")),
    "has a token that others may read": (cwd) => put(join(cwd, "data/operator.token"), undefined, 0o644),
    "has a key": (cwd) => put(join(cwd, "data/relay.key")),
    "has a link for a token": (cwd) => {
      put(join(cwd, "elsewhere"));
      mkdirSync(join(cwd, "data"));
      symlinkSync(join(cwd, "elsewhere"), join(cwd, "data/operator.token"));
    },
    "has a dangling link for the notice of a server": (cwd) => {
      mkdirSync(join(cwd, "data"));
      symlinkSync(join(cwd, "written"), join(cwd, "data/server.json.new"));
    },
    "has a database": (cwd) => put(join(cwd, "data/signalbox.db"), ""),
    "is a link": (cwd) => {
      mkdirSync(join(cwd, "elsewhere"));
      symlinkSync(join(cwd, "elsewhere"), join(cwd, "data"));
    },
    "is a link to nothing": (cwd) => symlinkSync(join(cwd, "elsewhere"), join(cwd, "data")),
    "may be written by everybody": (cwd) => {
      mkdirSync(join(cwd, "data"));
      chmodSync(join(cwd, "data"), 0o777);
    },
  };
  for (const [name, make] of Object.entries(strange))
    test(`a data folder that nobody named and that ${name} stops the start, and says what to do; nothing is written`, async () => {
      const cwd = tempFolder();
      make(cwd);
      const server = await startIn(cwd);
      expect(server.isListening).toBe(false);
      expect(await server.said()).toMatch(
        /^The data folder \.\/data is not used: .* name it with --data \.\/data or SIGNALBOX_DATA_DIR; else give another one\.\n$/,
      );
      expect(existsSync(join(cwd, "data/.relay"))).toBe(false);
      expect(existsSync(join(cwd, "written"))).toBe(false);
    });

  test("a data folder that nobody named is used when a relay made it there, however often, and after its folder was moved", async () => {
    const cwd = tempFolder();
    const first = await startIn(cwd);
    const token = readFileSync(join(cwd, "data/operator.token"), "utf8").trim();
    await first.end();
    renameSync(join(cwd, "data"), join(cwd, "kept"));
    const other = tempFolder();
    renameSync(join(cwd, "kept"), join(other, "data"));
    for (let n = 0; n < 2; n++) {
      const again = await startIn(other);
      expect(await again.roleOf(token)).toBe("operator");
      await again.end();
    }
  });

  test("a data folder that nobody named is not used when it is a copy of one, mark and all: a repository could bring it along", async () => {
    const cwd = tempFolder();
    await (await startIn(cwd)).end();
    const clone = tempFolder();
    cpSync(join(cwd, "data"), join(clone, "data"), { recursive: true, preserveTimestamps: true });
    const server = await startIn(clone);
    expect(server.isListening).toBe(false);
    const token = readFileSync(join(clone, "data/operator.token"), "utf8").trim();
    // Its owner vouches for it once.
    const named = await startIn(clone, ["--data", "./data"]);
    expect(await named.roleOf(token)).toBe("operator");
    await named.end();
    expect((await startIn(clone)).isListening).toBe(true);
  });

  test("a data folder that nobody named is used when it is empty, or has only files that are nothing to a relay", async () => {
    const cwd = tempFolder();
    put(join(cwd, "data/measurements.csv"), "1,2\n", 0o644);
    expect((await startIn(cwd)).isListening).toBe(true);
  });

  test("a data folder that nobody named is used after a backup was restored into it", async () => {
    const cwd = tempFolder();
    await (await startIn(cwd)).end();
    const there = tempFolder();
    const backup = join(cwd, "data/signalbox.db");
    const ran = await runCli(["restore", backup, "--data", "data"], { env: {}, cwd: there });
    expect(ran.stderr).toBe("");
    expect((await startIn(there)).isListening).toBe(true);
  });
});

describe("a secret in a data folder that was named", () => {
  const secrets = ["operator.token", "relay.key"];
  for (const name of secrets)
    test(`a secret in a data folder that was named stops the start when it is a link or a pipe: ${name}`, async () => {
      const folder = tempFolder();
      put(join(folder, "elsewhere"), undefined, 0o644);
      for (const make of [
        (file: string) => symlinkSync(join(folder, "elsewhere"), file),
        (file: string) => void Bun.spawnSync(["mkfifo", file]),
      ]) {
        const data = join(folder, "data");
        mkdirSync(data);
        make(join(data, name));
        const server = await startIn(folder, ["--data", data]);
        expect(server.isListening).toBe(false);
        expect(await server.said()).toMatch(
          /a secret is read only from a file of the user who runs the relay\. Remove it, or move it away\.\n$/,
        );
        expect(statSync(join(folder, "elsewhere")).mode & 0o777).toBe(0o644);
        rmSync(data, { recursive: true });
      }
    });

  test.skipIf(process.getuid?.() !== 0)(
    "a secret in a data folder that was named stops the start when it belongs to another user",
    async () => {
      for (const name of secrets) {
        const data = tempFolder();
        put(join(data, name));
        chownSync(join(data, name), 12_345, 12_345);
        const server = await startIn(data, ["--data", data]);
        expect([server.isListening, await server.said()]).toEqual([false, expect.stringContaining("another user")]);
      }
    },
  );

  test("a secret in a data folder that was named is its owner's file: it is used, and from then on others may not read it", async () => {
    const data = tempFolder();
    put(join(data, "operator.token"), undefined, 0o644);
    const server = await startIn(data, [], { SIGNALBOX_DATA_DIR: data });
    expect(await server.roleOf(KNOWN)).toBe("operator");
    expect(statSync(join(data, "operator.token")).mode & 0o777).toBe(0o600);
  });

  test("a secret in a data folder that was named that was lost is made anew, and no link is followed on the way", async () => {
    const data = tempFolder();
    symlinkSync(join(data, "elsewhere"), join(data, "operator.token.new"));
    const server = await startIn(data, ["--data", data]);
    expect(server.isListening).toBe(true);
    expect(existsSync(join(data, "elsewhere"))).toBe(false);
    expect(readFileSync(join(data, "operator.token"), "utf8")).toMatch(/^sbx_[\w-]{43}\n$/);
  });
});
