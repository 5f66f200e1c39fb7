import { describe, expect, test } from "bun:test";
import { startChat } from "../support/adapter.ts";
import { atEnd } from "../support/relay.ts";
import { createFakeSlack } from "../support/slack.ts";
import { createFakeTelegram } from "../support/telegram.ts";

const bytes = new TextEncoder().encode("the file");
const note = { name: "note.txt", type: "text/plain", bytes };

/** A host that is not the platform's: it records requests. */
function stranger() {
  const seen: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      seen.push(`${request.method} ${request.url} ${request.headers.get("authorization") ?? ""}`);
      return new Response("stolen");
    },
  });
  atEnd(() => server.stop(true));
  return { seen, url: `http://127.0.0.1:${server.port}` };
}

async function slack() {
  const fake = createFakeSlack();
  const world = await startChat(() => fake);
  const running = world.run();
  await running.saw("ready");
  /** A message with a file that Slack describes so; the answer is what reaches the agent. */
  async function sayFile(file: object) {
    const count = running.events.filter(({ type }) => type === "received").length;
    fake.event({
      ...{
        type: "message",
        subtype: "file_share",
        channel: "C1",
        user: "UADA",
        text: "look",
        ts: `${Date.now()}.${count}`,
      },
      files: [file],
    });
    await running.saw("received", count + 1);
    return (await world.inbox()).at(-1);
  }
  return { fake, world, sayFile };
}

async function telegram() {
  const fake = createFakeTelegram();
  const world = await startChat(() => fake);
  const running = world.run();
  await running.saw("ready");
  async function sayFile(fileId: string) {
    const document = { file_id: fileId, file_unique_id: `u${fileId}`, file_name: "note.txt", mime_type: "text/plain" };
    const chat = { id: -100200, type: "supergroup", title: "A group" };
    const from = { id: 9, is_bot: false, first_name: "Ada" };
    fake.update({ message: { message_id: 5, date: 1, chat, from, document, caption: "look" } });
    await running.saw("received");
    return (await world.inbox()).at(-1);
  }
  return { fake, sayFile };
}

describe("the Slack bot token", () => {
  test("the Slack bot token is not sent to an address that a file of others names: the text names it instead", async () => {
    const { sayFile } = await slack();
    const { seen, url } = stranger();
    const addresses = [
      `${url}/plain`,
      "http://files.slack.com/files-pri/T1-F1/x",
      "https://files.slack.com:8443/x",
      "https://files.slack.com.evil.example/x",
      "https://evilslack.com/x",
      "https://files.slack.com@evil.example/x",
      "https://token@files.slack.com/x",
      "https://docs.google.example/document/d/1",
      "file:///etc/passwd",
      "//evil.example/x",
    ];
    for (const [n, address] of addresses.entries()) {
      const mail = await sayFile({ id: `F${n}`, name: "plan", mimetype: "text/plain", url_private: address });
      expect(mail.body).toBe(`look\n[plan: is not kept at Slack and was not fetched: ${address}]`);
      expect(mail.payload.attachments).toBeUndefined();
    }
    expect(seen).toEqual([]);
  });

  test("the Slack bot token does not follow a redirect to somebody else; one within Slack it does", async () => {
    const { fake, world, sayFile } = await slack();
    const { seen, url } = stranger();
    const [lost, kept, moved] = [fake.keepFile(note), fake.keepFile(note), fake.keepFile(note)];
    fake.redirectFile(lost.id, `${url}/theirs`);
    fake.redirectFile(moved.id, kept.url_private_download);
    expect((await sayFile(lost)).body).toContain(`not fetched: ${url}/theirs`);
    const mail = await sayFile(moved);
    expect(await world.download(mail.payload.attachments[0].fileId)).toEqual(bytes);
    expect(seen).toEqual([]);
  });

  test("the Slack bot token reaches Slack's own file hosts", async () => {
    const { sayFile } = await slack();
    const asked: [string, string | null][] = [];
    const real = globalThis.fetch;
    const watching = (input: string | URL | Request, init?: RequestInit) => {
      if (!/slack(-files|-gov)?\.com/.test(String(input))) return real(input, init);
      asked.push([String(input), new Headers(init?.headers).get("authorization")]);
      return Promise.resolve(new Response(bytes));
    };
    globalThis.fetch = Object.assign(watching, { preconnect: real.preconnect });
    try {
      for (const host of ["files.slack.com", "slack.com", "slack-files.com", "files.slack-gov.com"]) {
        const mail = await sayFile({ id: host, name: "note.txt", url_private: `https://${host}/files-pri/T1-F1/n` });
        expect(mail.payload.attachments).toHaveLength(1);
      }
    } finally {
      globalThis.fetch = real;
    }
    expect(asked).toHaveLength(4);
    expect(new Set(asked.map(([, token]) => token))).toEqual(new Set(["Bearer xoxb-fake-bot-token"]));
  });
});

describe("the Telegram bot token", () => {
  test("the Telegram bot token stays with the file's own address: no redirect is followed, and no other path is asked", async () => {
    for (const how of ["redirect", "path"] as const) {
      const { fake, sayFile } = await telegram();
      const { seen, url } = stranger();
      const fileId = fake.keepFile(note);
      if (how === "redirect") fake.redirectFile(fileId, `${url}/theirs`);
      else fake.misplaceFile(fileId, "../../bot1:other/getMe");
      const { body, payload } = await sayFile(fileId);
      expect(body).toMatch(/^look\n\[note\.txt: /);
      expect(body).not.toContain("4711");
      expect(payload.attachments).toBeUndefined();
      expect(seen).toEqual([]);
    }
  });
});
