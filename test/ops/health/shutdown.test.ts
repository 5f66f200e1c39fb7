import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { agentOn, asking } from "../../support/ask.ts";
import { rawConnect } from "../../support/raw.ts";
import { startServer } from "../../support/server.ts";
import { openSocket } from "../../support/socket.ts";
import { openStream } from "../../support/stream.ts";
import { until } from "../../support/until.ts";

describe("a server that is told to stop", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "a server that is told to stop by %s ends with 0 at once, and removes its notice",
    async (signal) => {
      const server = await startServer();
      const notice = join(server.dataDir, "server.json");
      expect(JSON.parse(readFileSync(notice, "utf8"))).toEqual({ url: server.url, pid: server.pid });
      await asking(server)("GET", "/v1/whoami");
      process.kill(server.pid, signal);
      expect(await server.stop()).toBe(0);
      expect(existsSync(notice)).toBe(false);
      await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
    },
  );

  test("a server that is told to stop answers parked calls, and says bye to streams and sockets, with the place to resume from", async () => {
    const server = await startServer();
    const ask = asking(server);
    const bob = await agentOn(ask, "bob");
    const { id } = (await ask("POST", "/v1/messages", { to: "bob", body: "x" })).body;
    const poll = ask("GET", `/v1/agents/bob/inbox?after=${id}&waitSeconds=60`, undefined, bob);
    const claim = ask("POST", "/v1/agents/bob/claims", { waitSeconds: 60 }, bob);
    const stream = await openStream(`${server.url}/v1/agents/bob/inbox/stream`, bob);
    const watch = await openStream(`${server.url}/v1/messages/stream`, bob);
    const socket = await openSocket(`${server.url}/v1/agents/bob/socket`, bob);
    await Promise.all([stream.first("message"), watch.first("hello"), socket.first("message")]);
    await until(async () => (await ask("GET", "/metrics")).body.includes("signalbox_connections 5"));
    const stopped = server.stop();
    expect(await poll).toMatchObject({ status: 200, body: { items: [] } });
    expect(await claim).toMatchObject({ status: 200, body: { items: [] } });
    await Promise.all([stream.ended, watch.ended]);
    const bye = { reason: "restarting", resumeAfter: id };
    expect(stream.events.at(-1)).toMatchObject({ type: "bye", data: bye });
    expect(watch.events.at(-1)).toMatchObject({ type: "bye", data: bye });
    expect(await socket.closed).toMatchObject({ code: 1012 });
    expect(socket.frames.at(-1)).toMatchObject({ type: "bye", ...bye });
    expect(await stopped).toBe(0);
  });

  test("G1: every write that was answered is there after the next start, and what was not got no 2xx or 500", async () => {
    const server = await startServer();
    const ask = asking(server);
    const ann = await agentOn(ask, "ann");
    const answered: number[] = [];
    const others: number[] = [];
    const send = async () => {
      for (;;) {
        const sent = await ask("POST", "/v1/messages", { to: "user", body: "x" }, ann).catch(() => undefined);
        if (!sent) return;
        if (sent.status === 201) answered.push(sent.body.id);
        else others.push(sent.status);
        if (sent.status !== 201 && others.length > 1000) return;
      }
    };
    const senders = Array.from({ length: 8 }, send);
    await until(() => answered.length > 200);
    expect(await server.stop()).toBe(0);
    await Promise.all(senders);
    expect(new Set(others).size).toBeLessThanOrEqual(1);
    for (const status of others) expect(status).toBe(503);
    const again = await startServer({ dataDir: server.dataDir });
    const { head } = (await asking(again)("GET", "/v1/agents/user/inbox")).body;
    expect(head).toBeGreaterThanOrEqual(Math.max(...answered));
    for (const id of [answered[0], answered.at(-1)])
      expect((await asking(again)("GET", `/v1/messages/${id}`)).status).toBe(200);
  });

  test("a server that is told to stop answers who still asks on an open connection with 503 and Retry-After, never with 500", async () => {
    const server = await startServer();
    const lines = ["GET /v1/whoami HTTP/1.1", "Host: relay", `Authorization: Bearer ${server.operatorToken}`];
    const connection = await rawConnect(server.url, { lines });
    await until(() => connection.text().includes("HTTP/1.1 200 "));
    const stopped = server.stop();
    await until(() => server.output().includes('"stopping"'));
    connection.socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    await stopped;
    await connection.closed;
    const second = connection.text().split("HTTP/1.1 ")[2];
    if (second !== undefined) {
      expect(second).toStartWith("503 ");
      expect(second.toLowerCase()).toContain("retry-after: ");
    }
  });

  test("a server that is told to stop does not wait for a client that keeps its connection open", async () => {
    const server = await startServer();
    const lines = ["GET /healthz HTTP/1.1", "Host: relay"];
    const connection = await rawConnect(server.url, { lines });
    await until(() => connection.text().includes("HTTP/1.1 200 "));
    expect(await server.stop()).toBe(0);
  });

  test("a server that is told to stop can be started again at once, over the same files and on the same port", async () => {
    const server = await startServer();
    const ask = asking(server);
    const { id } = (await ask("POST", "/v1/messages", { to: "user", body: "kept" })).body;
    await server.stop();
    const again = await startServer({ dataDir: server.dataDir, port: Number(new URL(server.url).port) });
    expect(again.url).toBe(server.url);
    expect((await asking(again)("GET", `/v1/messages/${id}`)).body.body).toBe("kept");
  });
});
