import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "../../src/client/client.ts";
import { callCli, runCli, tempFolder } from "../support/cli-harness.ts";
import { freshRelay, operatorOf } from "../support/client-relay.ts";

// Processes are started here: on a busy machine that takes its time.
let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
const folder = tempFolder();
beforeAll(async () => {
  relay = await freshRelay();
  operator = operatorOf(relay);
  await operator.agents.register("helper", { name: "helper" });
});
afterAll(async () => {
  await relay.remove();
  folder.remove();
});

const cli = (args: string[]) => callCli([...args, "--data", relay.dataDir], { cwd: folder.path });
const json = async (args: string[]) => {
  const ran = await cli([...args, "--json"]);
  if (ran.code !== 0) throw new Error(`${args.join(" ")}: ${ran.code} ${ran.stderr}`);
  return JSON.parse(ran.stdout);
};

const event = (externalId: string, conversationId = "c1") => ({
  ...{ conversationId, externalId, sender: { id: "1", name: "Ada" }, text: "Hi" },
});

describe("channels on the command line", () => {
  test("channels on the command line are registered, listed, bound, replayed to, explained, chosen and unbound", async () => {
    const channel = JSON.stringify({ provider: "telegram", accountId: "main", displayName: "Support" });
    await json(["register", "telegram:main", "--kind", "channel", "--channel", channel]);
    const flawed = await cli(["register", "telegram:x", "--channel", '{"provider":1}']);
    expect([flawed.code, flawed.stderr.includes("provider")]).toEqual([2, true]);
    await operator.channels.report("telegram:main", event("e1"));
    expect((await cli(["channel", "events", "telegram:main", "--strangers"])).stdout).toMatch(/e1 +c1 +stranger/);
    const args = ["channel", "bind", "telegram:main", "helper", "--conversation", "c1", "--priority", "-3", "--replay"];
    const bound = await json(args);
    expect(bound).toMatchObject({
      target: "helper",
      conversationId: "c1",
      mode: "exclusive",
      priority: -3,
      replayed: 1,
    });
    expect((await json(["channel", "events", "telegram:main", "--unbound"])).items).toEqual([]);
    const passedOn = { sender: { id: "2", name: "CI", isBot: true }, forwardedFrom: "Grace", quoted: "did it\nbreak?" };
    await operator.channels.report("telegram:main", { ...event("e2"), ...passedOn });
    const shown = (await cli(["inbox", "--as", "helper"])).stdout;
    expect(shown).toContain("by Ada\n");
    expect(shown).toMatch(/by CI, a bot; forwarded from Grace; answers: did it.{1,3}break\?/);
    const route = (await cli(["channel", "route", "telegram:main", "--conversation", "c1"])).stdout;
    expect(route).toMatch(/helper +conversation +c1/);
    expect((await cli(["channel", "route", "telegram:main"])).stdout).toContain("kept for the operator");
    expect(await json(["channel", "default", "telegram:main"])).toMatchObject({ isDefault: true });
    expect((await cli(["channel", "default", "telegram:main", "--unset"])).stdout).toContain("not @default");
    expect((await cli(["channel", "show", "telegram:main"])).stdout).toMatch(/Support[\s\S]*helper/);
    expect((await cli(["channel", "list"])).stdout).toMatch(/telegram:main +Support +online/);
    expect((await cli(["channels", "access", "telegram:main"])).stdout).toContain("its guests alone are heard");
    expect((await json(["channels", "access", "telegram:main", "open"])).access.mode).toBe("open");
    const guest = await json(["channels", "guests", "add", "telegram:main", "--sender", "1", "--approves"]);
    expect((await cli(["channels", "guests", "list", "telegram:main"])).stdout).toMatch(/every +1 +yes/);
    expect((await cli(["channels", "guests", "rm", "telegram:main", guest.id])).code).toBe(0);
    const nobody = await cli(["channels", "guests", "add", "telegram:main"]);
    expect([nobody.code, nobody.stderr.includes("a chat, an account, or an account in a chat")]).toEqual([1, true]);
    expect((await cli(["channel", "unbind", "telegram:main", bound.id])).code).toBe(0);
    expect((await json(["channel", "show", "telegram:main"])).bindings).toEqual([]);
    const unknown = await cli(["channel", "bind", "telegram:main", "helpr"]);
    expect([unknown.code, unknown.stderr.includes("Did you mean helper?")]).toEqual([1, true]);
  });

  test("channels on the command line that need no adapter are made with their secret", async () => {
    const made = await json(["channel", "webhook", "webhook:crm", "--target", "helper", "--verify", "token"]);
    expect(made.secret).toMatch(/^whsec_/);
    expect((await json(["channel", "webhook", "webhook:crm"])).secret).toBeUndefined();
  });
});

describe("files on the command line", () => {
  test("files on the command line are put and got again, under their name, and never over what is there", async () => {
    await Bun.write(join(folder.path, "notes.txt"), "hello");
    const { id, type } = await json(["file", "put", "notes.txt"]);
    expect(type).toStartWith("text/plain");
    const over = await cli(["file", "get", id]);
    expect([over.code, over.stderr.includes("notes.txt is here already")]).toEqual([2, true]);
    await json(["file", "get", id, "--out", "copy.txt"]);
    expect(await Bun.file(join(folder.path, "copy.txt")).text()).toBe("hello");
    const printed = await runCli(["file", "get", id, "--out", "-", "--data", relay.dataDir]);
    expect(printed.stdout).toBe("hello");
    expect((await cli(["file", "put", "nowhere.txt"])).code).toBe(2);
    expect((await cli(["file", "get", "fil_none"])).code).toBe(1);
  });

  test("files named to lead out of the folder stay in it", async () => {
    const { id } = await operator.files.put(new Blob(["x"]), { name: "../../evil.txt" });
    expect(await json(["file", "get", id])).toMatchObject({ path: "evil.txt" });
    expect(existsSync(join(folder.path, "evil.txt"))).toBe(true);
  });
});
