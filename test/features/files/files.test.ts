import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { startChannel, TELEGRAM } from "../../support/channel.ts";
import { startRelay, type TestRelay } from "../../support/relay.ts";

const HOUR_MS = 3_600_000;

interface Sent {
  token?: string;
  name?: string;
  type?: string;
  headers?: Record<string, string>;
}

/** Uploads as a client does. */
async function put({ relay }: TestRelay, bytes: BodyInit | null, { token, name, type, headers }: Sent = {}) {
  const response = await relay.app.handle(
    new Request(`http://localhost/v1/files${name === undefined ? "" : `?name=${encodeURIComponent(name)}`}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token ?? relay.operatorToken}`,
        "content-type": type ?? "text/plain",
        ...headers,
      },
      body: bytes,
    }),
  );
  return { status: response.status, body: await response.json(), headers: response.headers };
}

async function get({ relay }: TestRelay, id: string, token = relay.operatorToken, range?: string) {
  const response = await relay.app.handle(
    new Request(`http://localhost/v1/files/${id}`, {
      headers: { authorization: `Bearer ${token}`, ...(range && { range }) },
    }),
  );
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const blobs = (relay: TestRelay): string[] =>
  readdirSync(join(relay.config.dataDir, "files"), { recursive: true, encoding: "utf8" }).filter((name) =>
    /[0-9a-f]{64}$/.test(name),
  );

describe("files", () => {
  test("files come back as they were put, by name, and never as something a browser runs", async () => {
    const relay = await startRelay();
    const { status, body } = await put(relay, "hello", { name: "grüße (1).txt" });
    expect(status).toBe(201);
    const sha256 = createHash("sha256").update("hello").digest("hex");
    expect(body).toMatchObject({ name: "grüße (1).txt", type: "text/plain", size: 5, sha256, uploadedBy: "user" });
    const got = await get(relay, body.id);
    expect([got.status, got.text]).toEqual([200, "hello"]);
    expect(got.headers.get("content-disposition")).toBe(
      `attachment; filename="gr__e _1_.txt"; filename*=UTF-8''gr%C3%BC%C3%9Fe%20%281%29.txt`,
    );
    expect(got.headers.get("x-content-type-options")).toBe("nosniff");
    for (const type of ["text/html", "image/svg+xml", "application/javascript", "nonsense"]) {
      const active = await put(relay, "<script>", { type });
      expect((await get(relay, active.body.id)).headers.get("content-type")).toBe("application/octet-stream");
    }
  });

  test("files arrive in many pieces, and are answered in part to who asks for a range", async () => {
    const relay = await startRelay();
    const pieces = Array.from({ length: 50 }, (_, i) => `${i}`.padStart(1000, "."));
    const body = new ReadableStream({
      async start(controller) {
        for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
        controller.close();
      },
    });
    const { body: file } = await put(relay, body);
    expect((await get(relay, file.id)).text).toBe(pieces.join(""));
    const part = await get(relay, file.id, undefined, "bytes=998-1001");
    expect([part.status, part.text, part.headers.get("content-range")]).toEqual([206, ".0..", "bytes 998-1001/50000"]);
    expect((await get(relay, file.id, undefined, "bytes=-2")).text).toBe("49");
    expect((await get(relay, file.id, undefined, "bytes=99999-")).status).toBe(200);
  });

  test("files with the same bytes are stored once", async () => {
    const relay = await startRelay();
    const [one, two] = [await put(relay, "same", { name: "a" }), await put(relay, "same", { name: "b" })];
    expect(one.body.id).not.toBe(two.body.id);
    expect(blobs(relay)).toHaveLength(1);
  });

  test("G5: files put twice with one key are one file; with other bytes the key is refused", async () => {
    const relay = await startRelay();
    const headers = { "idempotency-key": '"k"' };
    const one = await put(relay, "x", { headers });
    const two = await put(relay, "x", { headers });
    expect([one.status, two.status, two.body.id]).toEqual([201, 200, one.body.id]);
    expect((await put(relay, "y", { headers })).body.code).toBe("idempotency-mismatch");
  });

  test("G9: files too large, of a type that is not taken, or cut off, leave nothing behind", async () => {
    const relay = await startRelay({ fileMaxBytes: 10, fileTypes: ["image/*", "application/pdf"] });
    expect((await put(relay, "x".repeat(11), { type: "image/png" })).status).toBe(413);
    expect((await put(relay, "x", { type: "text/html" })).status).toBe(415);
    const broken = new ReadableStream({
      pull(controller) {
        controller.error(new Error("gone"));
      },
    });
    expect((await put(relay, broken, { type: "image/png" })).status).toBe(400);
    expect((await put(relay, "x".repeat(10), { type: "Image/PNG; a=b" })).body.type).toBe("image/png");
    expect((await put(relay, null, { type: "application/pdf" })).body.size).toBe(0);
    expect(blobs(relay)).toHaveLength(2);
    expect(readdirSync(join(relay.config.dataDir, "files", "arriving"))).toEqual([]);
  });
});

test("G9: who puts files there that no message carries has to stop at some point; using one makes room", async () => {
  const relay = await startRelay({ durability: "normal" });
  const a = await relay.agent("a");
  let first = "";
  for (let n = 0; n < 500; n++) {
    const { body } = await put(relay, "x", { token: a.token });
    first ||= body.id;
  }
  const refused = await put(relay, "x", { token: a.token });
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "3600"]);
  await relay.ask("POST", "/v1/messages", { to: "user", body: "x", payload: { files: [{ fileId: first }] } }, a);
  expect((await put(relay, "x", { token: a.token })).status).toBe(201);
});

describe("G10: who may read a file", () => {
  test("G10: a file may be read by whom it was sent to, however often somebody else has sent it on since", async () => {
    const relay = await startRelay();
    const [alice, bob, carol, dave] = [
      await relay.agent("alice"),
      await relay.agent("bob"),
      await relay.agent("carol"),
      await relay.agent("dave"),
    ];
    const { body: file } = await put(relay, "hello", { token: alice.token });
    const payload = { files: [{ fileId: file.id }] };
    for (const to of ["bob", "carol"]) await relay.ask("POST", "/v1/messages", { to, body: "x", payload }, alice);
    const messages = Array.from({ length: 201 }, () => ({ to: "bob", body: "x", payload }));
    expect((await relay.ask("POST", "/v1/messages/batch", { messages }, bob)).status).toBe(201);
    expect((await get(relay, file.id, carol.token)).status).toBe(200);
    expect((await get(relay, file.id, dave.token)).status).toBe(403);
  });

  test("G10: a file may be read by its uploader, whoever may read a message that carries it, and who reads everything", async () => {
    const relay = await startRelay();
    const { ask, agent } = relay;
    const [a, b, c] = [await agent("a"), await agent("b"), await agent("c")];
    const { id } = (await put(relay, "x", { token: a.token })).body;
    expect((await get(relay, id, a.token)).status).toBe(200);
    expect((await get(relay, id, b.token)).status).toBe(403);
    await ask("POST", "/v1/messages", { to: "b", body: "see", payload: { files: [{ fileId: id }] } }, a);
    expect((await get(relay, id, b.token)).status).toBe(200);
    expect((await get(relay, id, c.token)).status).toBe(403);
    expect((await get(relay, id)).status).toBe(200);
    expect((await get(relay, "fil_none", a.token)).status).toBe(404);
    const onward = { to: "c", body: "see", payload: { attachments: [{ fileId: id }] } };
    expect((await ask("POST", "/v1/messages", onward, b)).status).toBe(201);
    expect((await get(relay, id, c.token)).status).toBe(200);
  });

  test("G10: naming a file that one may not read in a message gives nobody access: it is refused", async () => {
    const relay = await startRelay();
    const [a, b] = [await relay.agent("a"), await relay.agent("b")];
    const { id } = (await put(relay, "x", { token: a.token })).body;
    for (const fileId of [id, "fil_0none"]) {
      const payload = { files: [{ fileId }] };
      const refused = await relay.ask("POST", "/v1/messages", { to: "b", body: "mine", payload }, b);
      expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: "/payload/files/0/fileId" }] } });
    }
    expect((await relay.ask("GET", "/v1/messages?to=b")).body.items).toEqual([]);
  });
});

describe("attachments of a channel", () => {
  test("attachments of a channel go from the platform to the bound agent, and from the agent to the adapter", async () => {
    const world = await startChannel();
    const a = await world.agent("a");
    await world.bind({ target: "a" });
    const photo = (await put(world, "PNG", { token: world.adapter.token, name: "shot.png", type: "image/png" })).body;
    const attachments = [{ name: "shot.png", type: "image/png", size: 3, fileId: photo.id }];
    const inbound = (await world.event({ attachments, text: undefined })).body.messages[0];
    expect(inbound.payload.attachments).toEqual(attachments);
    expect((await get(world, photo.id, a.token)).text).toBe("PNG");
    const log = (await put(world, "log", { token: a.token, name: "log.txt" })).body;
    const answer = { to: TELEGRAM, body: "", replyTo: inbound.id, payload: { files: [{ fileId: log.id }] } };
    expect((await world.ask("POST", "/v1/messages", answer, a)).status).toBe(201);
    const [claimed] = await world.claim();
    expect(claimed?.message.payload.files).toEqual([{ fileId: log.id, name: "log.txt", type: "text/plain", size: 3 }]);
    expect((await get(world, log.id, world.adapter.token)).text).toBe("log");
  });

  test("attachments of a channel that the adapter did not put there are refused", async () => {
    const world = await startChannel();
    const a = await world.agent("a");
    const { id } = (await put(world, "x", { token: a.token })).body;
    const attachments = [{ name: "x", type: "text/plain", size: 1, fileId: id }];
    expect((await world.event({ attachments })).status).toBe(422);
    const stolen = {
      to: TELEGRAM,
      body: "x",
      payload: { conversation: { conversationId: "c" }, files: [{ fileId: "fil_0" }] },
    };
    expect((await world.ask("POST", "/v1/messages", stolen, a)).body.errors[0].pointer).toBe("/payload/files/0/fileId");
  });
});

describe("files nobody needs", () => {
  /** The bytes are as old as the disk says, which no clock of ours moves. */
  const age = (relay: TestRelay) => {
    for (const name of blobs(relay)) utimesSync(join(relay.config.dataDir, "files", name), 0, 0);
  };

  test("files nobody needs go when no message has carried them for a day; those that are carried stay", async () => {
    const relay = await startRelay({ durability: "normal" });
    const [loose, kept] = [(await put(relay, "loose")).body, (await put(relay, "kept")).body];
    await relay.ask("POST", "/v1/messages", { to: "user", body: "x", payload: { files: [{ fileId: kept.id }] } });
    for (let hour = 0; hour < 23; hour++) await relay.pass(HOUR_MS);
    expect((await get(relay, loose.id)).status).toBe(200);
    for (let hour = 0; hour < 3; hour++) await relay.pass(HOUR_MS);
    expect((await get(relay, loose.id)).status).toBe(404);
    expect((await get(relay, kept.id)).text).toBe("kept");
    expect(blobs(relay)).toHaveLength(1);
  });

  test("bytes of a file stay while another file has the same ones", async () => {
    const relay = await startRelay({ durability: "normal" });
    const [, kept] = [await put(relay, "same"), await put(relay, "same")];
    await relay.ask("POST", "/v1/messages", { to: "user", body: "x", payload: { files: [{ fileId: kept.body.id }] } });
    for (let hour = 0; hour < 30; hour++) await relay.pass(HOUR_MS);
    expect((await get(relay, kept.body.id)).text).toBe("same");
  });

  test("files nobody needs go a day after retention took the message that carried them", async () => {
    const relay = await startRelay({ durability: "normal", retentionDays: 1 });
    const { id } = (await put(relay, "x")).body;
    await relay.ask("POST", "/v1/messages", { to: "user", body: "x", payload: { files: [{ fileId: id }] } });
    for (let hour = 0; hour < 80; hour += 4) await relay.pass(4 * HOUR_MS);
    expect((await get(relay, id)).status).toBe(404);
    expect(blobs(relay)).toEqual([]);
  });

  test("G7: bytes whose row was never written are found and removed; what had begun to arrive goes at the start", async () => {
    const relay = await startRelay({ durability: "normal" });
    const { body } = await put(relay, "kept");
    await relay.ask("POST", "/v1/messages", { to: "user", body: "x", payload: { files: [{ fileId: body.id }] } });
    const folder = join(relay.config.dataDir, "files");
    const lost = createHash("sha256").update("lost").digest("hex");
    await Bun.write(join(folder, lost.slice(0, 2), lost), "lost");
    await Bun.write(join(folder, "arriving", "half"), "ha");
    await relay.restart();
    expect(readdirSync(join(folder, "arriving"))).toEqual([]);
    age(relay);
    for (let hour = 0; hour < 17; hour++) await relay.pass(HOUR_MS);
    expect(existsSync(join(folder, lost.slice(0, 2), lost))).toBe(false);
    expect((await get(relay, body.id)).text).toBe("kept");
  });
});
