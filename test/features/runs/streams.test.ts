import { describe, expect, test } from "bun:test";
import { DefaultChatTransport, readUIMessageStream, type UIMessage, type UIMessageChunk } from "ai";
import { listen } from "../../support/listen.ts";
import { balanceOf, chunksOf, delta, numbered, textOf, thought, toolResult, toolStart } from "../../support/parts.ts";
import { type Crew, type ShownRun, startCrew } from "../../support/runs.ts";
import { startServer } from "../../support/server.ts";
import { openStream } from "../../support/stream.ts";
import { turns } from "../../support/until.ts";

const append = (crew: Crew, run: ShownRun, events: object) => crew.does(crew.bob, run, "events", events, run);

async function open(crew: Crew, path: string, { token }: { token: string } = crew.bob): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` };
  return crew.relay.app.handle(new Request(`http://localhost${path}`, { headers }));
}

/** The message that the AI SDK makes of a UI message stream, as it grows. */
async function messageOf(stream: ReadableStream<UIMessageChunk>): Promise<UIMessage | undefined> {
  let last: UIMessage | undefined;
  for await (const message of readUIMessageStream({ stream, terminateOnError: true })) last = message;
  return last;
}

/** Reads a UI message stream with the AI SDK's own parser and checks. */
async function viewed(url: string, token: string): Promise<UIMessage | undefined> {
  const transport = new DefaultChatTransport({
    headers: { authorization: `Bearer ${token}` },
    prepareReconnectToStreamRequest: () => ({ api: url }),
  });
  const stream = await transport.reconnectToStream({ chatId: "any" });
  return stream ? messageOf(stream) : undefined;
}

describe("streams of a run", () => {
  test("a turn is a UI message stream of the AI SDK, with its headers, start and end", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    await append(crew, run, numbered([thought("Hm."), delta("Hello")]));
    const response = await open(crew, `/v1/runs/${run.id}/stream`);
    expect(response.headers.get("content-type")).toStartWith("text/event-stream");
    expect(response.headers.get("x-vercel-ai-ui-message-stream")).toBe("v1");
    expect(response.headers.get("cache-control")).toBe("no-cache");
    expect(response.headers.get("x-accel-buffering")).toBe("no");
    await append(crew, run, numbered([delta(" world")], 2));
    await crew.finish(crew.bob, run);
    const chunks = chunksOf(await response.text());
    expect(chunks.at(-1)).toBe("[DONE]");
    const parts = chunks.slice(0, -1).map((chunk) => JSON.parse(chunk));
    expect(parts[0]).toEqual({ type: "start", messageId: run.turnId });
    expect(parts.at(-1)).toEqual({ type: "finish", finishReason: "stop" });
    expect(parts.filter(({ type }) => type === "text-delta").map((part) => part.delta)).toEqual(["Hello", " world"]);
    // An ended turn is replayed to its end, and is not live.
    expect(chunksOf(await (await open(crew, `/v1/runs/${run.id}/stream`)).text())).toEqual(chunks);
    expect((await open(crew, `/v1/runs/${run.id}/stream?live=true`)).status).toBe(204);
    const { turnId } = await crew.run(crew.bob);
    for (const turn of ["trn_none", turnId])
      expect((await open(crew, `/v1/runs/${run.id}/stream?turn=${turn}`)).status).toBe(404);
  });

  test("the AI SDK makes the same message for a live, a late and a cut viewer, and after a restart", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const url = listen(crew);
    const path = `/v1/runs/${run.id}/stream`;
    const live = viewed(`${url}${path}`, crew.bob.token);
    const cut = new AbortController();
    const first = await fetch(`${url}${path}`, {
      headers: { authorization: `Bearer ${crew.bob.token}` },
      signal: cut.signal,
    });
    await append(crew, run, numbered([thought("Let me see."), delta("I look. "), toolStart("c1", { cmd: "ls" })]));
    await first.body?.getReader().read();
    cut.abort();
    const late = viewed(`${url}${path}`, crew.bob.token);
    await append(crew, run, numbered([toolResult("c1", "a.ts"), delta("Found "), delta("it.")], 3));
    await crew.finish(crew.bob, run);
    const back = await viewed(`${url}${path}`, crew.bob.token);
    expect(back?.parts.map(({ type }) => type)).toEqual(["step-start", "reasoning", "text", "dynamic-tool", "text"]);
    expect(back?.id).toBe(run.turnId);
    expect([await live, await late]).toEqual([back, back]);
    await crew.restart();
    expect(await viewed(`${listen(crew)}${path}`, crew.bob.token)).toEqual(back);
  });

  test("G3: a relay restarted in the middle of a turn tells a viewer that comes back every part once", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const path = `/v1/runs/${run.id}`;
    await append(crew, run, numbered([thought("Hm."), delta("Half "), toolStart("c1")]));
    const url = listen(crew);
    const watched = viewed(`${url}${path}/stream`, crew.bob.token);
    const first = await openStream(`${url}${path}/events/stream`, crew.bob);
    await first.until(({ events }) => events.some(({ data }) => data.part?.type === "tool-input-available"));
    await crew.restart();
    await first.ended;
    // Cut without an end: the AI SDK has half of the message, and takes the stream up again.
    expect((await watched)?.parts).toHaveLength(4);
    const resumeAfter = first.of("bye")[0]?.data.resumeAfter;
    const again = await openStream(`${listen(crew)}${path}/events/stream`, {
      ...crew.bob,
      headers: { "last-event-id": `${resumeAfter}` },
    });
    await append(crew, run, numbered([toolResult("c1", "a.ts"), delta("whole.")], 3));
    await crew.finish(crew.bob, run);
    await again.ended;
    const { items } = (await crew.ask("GET", `${path}/events`, undefined, crew.bob)).body;
    expect([...first.of("part"), ...again.of("part")].map(({ data }) => data)).toEqual(items);
    const whole = await viewed(`${listen(crew)}${path}/stream`, crew.bob.token);
    expect(whole?.parts.map((part) => ("text" in part ? part.text : part.type))).toEqual([
      ...["step-start", "Hm.", "Half ", "dynamic-tool", "whole."],
    ]);
  });

  test("G1, G3: a relay that is killed in the middle of a turn loses and doubles no event, for any viewer", async () => {
    const server = await startServer();
    const ask = async (method: string, path: string, body: unknown, token: string, turn = "") => {
      const headers = new Headers({ authorization: `Bearer ${token}`, "content-type": "application/json" });
      if (turn) headers.set("signalbox-run", turn);
      return (await fetch(`${server.url}${path}`, { method, headers, body: JSON.stringify(body) })).json();
    };
    await ask("PUT", "/v1/agents/bob", { name: "bob" }, server.operatorToken);
    const bob = await ask("POST", "/v1/tokens", { role: "agent", agentId: "bob" }, server.operatorToken);
    const run = await ask("POST", "/v1/runs", { task: "Count" }, bob.token);
    const path = `/v1/runs/${run.id}`;
    const events = numbered([thought("Hm."), delta("One "), toolStart("c1"), toolResult("c1", "2"), delta("two.")]);
    const send = (some: object[]) => ask("POST", `${path}/events`, some, bob.token, run.token);
    await send(events.slice(0, 3));
    const first = await openStream(`${server.url}${path}/events/stream`, bob);
    await first.until(({ events: seen }) => seen.length > 6);
    await server.kill();
    await first.ended;
    await startServer({ dataDir: server.dataDir, port: Number(new URL(server.url).port) });
    const live = viewed(`${server.url}${path}/stream`, bob.token);
    const last = first.events.at(-1)?.id as string;
    const again = await openStream(`${server.url}${path}/events/stream`, {
      ...bob,
      headers: { "last-event-id": last },
    });
    // The runner knows no answer to its last batch, and sends all of it again.
    expect(await send(events)).toEqual({ next: 5 });
    await ask("POST", `${path}/finish`, { outcome: "ok" }, bob.token, run.token);
    await again.ended;
    const late = await viewed(`${server.url}${path}/stream`, bob.token);
    expect(late?.parts.map((part) => ("text" in part ? part.text : part.type))).toEqual([
      ...["step-start", "Hm.", "One ", "dynamic-tool", "two."],
    ]);
    expect(await live).toEqual(late as UIMessage);
    const parts = [...first.of("part"), ...again.of("part")].map(({ data }) => data.part);
    expect(balanceOf(parts)).toEqual([]);
    expect(textOf(parts)).toBe("One two.");
  });

  test("a status line is told from thoughts by its metadata, in the AI SDK too", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    await append(crew, run, numbered([{ stream: "status", data: { text: "Switched to X" } }, thought("Hm.")]));
    await crew.finish(crew.bob, run);
    const message = await viewed(`${listen(crew)}/v1/runs/${run.id}/stream`, crew.bob.token);
    const reasoning = message?.parts.filter(({ type }) => type === "reasoning");
    expect(reasoning).toMatchObject([
      { text: "Switched to X", state: "done", providerMetadata: { signalbox: { status: true } } },
      { text: "Hm.", state: "done" },
    ]);
    expect(reasoning?.[1]).toHaveProperty("providerMetadata", undefined as never);
  });

  test("a failed turn ends with its error, once, and the AI SDK throws it", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    await append(
      crew,
      run,
      numbered([delta("Half"), { stream: "lifecycle", data: { phase: "error", error: "No credit" } }]),
    );
    await crew.finish(crew.bob, run, { outcome: "error", errorCode: "provider", error: "No credit" });
    const text = await (await open(crew, `/v1/runs/${run.id}/stream`)).text();
    expect(chunksOf(text).filter((chunk) => chunk.startsWith('{"type":"error"'))).toHaveLength(1);
    expect(chunksOf(text).at(-1)).toBe("[DONE]");
    expect(viewed(`${listen(crew)}/v1/runs/${run.id}/stream`, crew.bob.token)).rejects.toThrow("No credit");
  });

  test("a part of an unknown type makes the check of streams fail", async () => {
    const bad = (chunk: string) =>
      viewed(`data:text/event-stream,${encodeURIComponent(`data: ${chunk}\n\ndata: [DONE]\n\n`)}`, "none");
    await expect(bad('{"type":"text-started","id":"1"}')).rejects.toThrow(/[Tt]ype validation failed/);
    expect((await bad('{"type":"start","messageId":"m"}'))?.id).toBe("m");
  });

  test("the parts of a run are followed from a place, live, until the run ends", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const url = listen(crew);
    await append(crew, run, numbered([delta("a")]));
    const stream = await openStream(`${url}/v1/runs/${run.id}/events/stream`, crew.bob);
    await stream.until(({ events }) => events.length === 4);
    const resume = stream.events[2]?.id as string;
    stream.close();
    await append(crew, run, numbered([delta("b")], 1));
    const again = await openStream(`${url}/v1/runs/${run.id}/events/stream`, {
      ...crew.bob,
      headers: { "last-event-id": resume },
    });
    await append(crew, run, numbered([delta("c")], 2));
    await crew.finish(crew.bob, run);
    await again.ended;
    const { items } = (await crew.ask("GET", `/v1/runs/${run.id}/events?after=${resume}`, undefined, crew.bob)).body;
    expect(again.of("part").map(({ data }) => data)).toEqual(items);
    expect(again.of("part").map(({ id }) => Number(id))).toEqual(items.map(({ place }: { place: number }) => place));
    expect(again.events.at(-1)).toMatchObject({
      type: "bye",
      data: { reason: "ended", resumeAfter: items.at(-1).place },
    });
    // A run that has ended is over at once, also where nothing is left to send.
    const over = await openStream(`${url}/v1/runs/${run.id}/events/stream?after=${items.at(-1).place}`, crew.bob);
    await over.ended;
    expect(over.events.map(({ type }) => type)).toEqual(["bye"]);
    const bad = await openStream(`${url}/v1/runs/${run.id}/events/stream`, {
      ...crew.bob,
      headers: { "last-event-id": "x" },
    });
    expect(bad.response.status).toBe(422);
  });

  test("a viewer gets the parts of its run alone, whatever other runs say meanwhile, and whichever turn it names", async () => {
    const crew = await startCrew();
    const [run, other] = [await crew.run(crew.bob), await crew.run(crew.ada)];
    const url = `${listen(crew)}/v1/runs/${run.id}/events/stream`;
    const all = await openStream(url, crew.bob);
    expect((await openStream(`${url}?turn=${other.turnId}`, crew.bob)).response.status).toBe(404);
    await crew.does(crew.ada, other, "events", numbered([delta("private")]), other);
    await append(crew, run, numbered([delta("a")]));
    await crew.does(crew.ada, other, "events", numbered([delta(" indeed")], 1), other);
    await crew.finish(crew.bob, run);
    await all.ended;
    const { items } = (await crew.ask("GET", `/v1/runs/${run.id}/events`, undefined, crew.bob)).body;
    expect(all.of("part").map(({ data }) => data)).toEqual(items);
  });

  test("the parts of a run are followed over its turns, also where one begins in the write that ends the last", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const stream = await openStream(`${listen(crew)}/v1/runs/${run.id}/events/stream`, crew.bob);
    await stream.first("part");
    await crew.ask("POST", `/v1/runs/${run.id}/messages`, { text: "And then?" });
    await crew.finish(crew.bob, run, { result: "One." });
    const next = await crew.take(crew.bob, run);
    await crew.finish(crew.bob, next, { result: "Two." });
    await stream.ended;
    const parts = stream.of("part").map(({ data }) => data.part);
    expect(parts.filter(({ type }) => type === "start").map(({ messageId }) => messageId)).toEqual([
      ...[run.turnId, next.turnId],
    ]);
    expect(parts.filter(({ type }) => type === "finish")).toHaveLength(2);
    expect(stream.events.at(-1)?.data.reason).toBe("ended");
    for (const { turnId } of [run, next]) {
      const one = await openStream(`${listen(crew)}/v1/runs/${run.id}/events/stream?turn=${turnId}`, crew.bob);
      await one.ended;
      expect(one.of("part").map(({ data }) => data)).toEqual(
        stream.of("part").flatMap(({ data }) => (data.turnId === turnId ? [data] : [])),
      );
    }
  });

  test("viewers take no place of the agent's streams, and end with their token", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const url = listen(crew);
    const inbox = await openStream(`${url}/v1/agents/bob/inbox/stream`, crew.bob);
    await inbox.first("hello");
    const viewers = [];
    for (let i = 0; i < 9; i++) viewers.push(await openStream(`${url}/v1/runs/${run.id}/events/stream`, crew.bob));
    for (const viewer of viewers) await viewer.first("part");
    expect(inbox.of("bye")).toEqual([]);
    expect((await crew.ask("GET", "/v1/agents/bob")).body.connections).toBe(1);
    const { tokenId } = (await crew.ask("GET", "/v1/whoami", undefined, crew.bob)).body;
    await crew.ask("DELETE", `/v1/tokens/${tokenId}`);
    await Promise.all(viewers.map(({ ended }) => ended));
    for (const viewer of viewers) expect(viewer.events.at(-1)?.data.reason).toBe("revoked");
  });

  test("G9: a viewer that reads nothing costs a bounded amount, whatever its run writes", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const slow = await open(crew, `/v1/runs/${run.id}/events/stream`);
    const reader = (slow.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    const large = (i: number) => toolStart(`c${i}`, { text: "x".repeat(60_000) });
    for (let batch = 0; batch < 4; batch++)
      await append(
        crew,
        run,
        numbered(
          Array.from({ length: 50 }, (_, i) => large(batch * 50 + i)),
          batch * 50,
        ),
      );
    await turns(100);
    // Everything that waits for it comes as one chunk: two portions at most.
    const { value } = await reader.read();
    expect(value?.byteLength).toBeGreaterThan(60_000);
    expect(value?.byteLength).toBeLessThan(1024 * 1024);
    let got = value?.byteLength ?? 0;
    await crew.finish(crew.bob, run);
    for (let next = await reader.read(); !next.done; next = await reader.read()) got += next.value.byteLength;
    // Each start is two parts, one of them large.
    expect(got).toBeGreaterThan(200 * 60_000);
  });

  test("G9: 60 MiB of events leave the memory bounded, and the run says what it does not keep", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const batch = (from: number) =>
      numbered(
        Array.from({ length: 120 }, (_, i) => toolStart(`c${from + i}`, { text: "x".repeat(64_000) })),
        from,
      );
    const before = process.memoryUsage.rss();
    for (let i = 0; i < 8; i++) expect((await append(crew, run, batch(i * 120))).status).toBe(200);
    await append(
      crew,
      run,
      numbered([thought("thoughts"), delta("kept"), { stream: "usage", data: { inputTokens: 1 } }], 960),
    );
    await crew.finish(crew.bob, run);
    expect((process.memoryUsage.rss() - before) / 1024 / 1024).toBeLessThan(400);
    const parts = chunksOf(await (await open(crew, `/v1/runs/${run.id}/stream`)).text());
    const text = (word: string) => parts.filter((part) => part.includes(word)).length;
    expect([text("more than 50 MiB"), text("thoughts"), text('"kept"'), text("data-usage")]).toEqual([1, 0, 1, 1]);
    const bytes = parts.reduce((sum, part) => sum + part.length, 0) / 1024 / 1024;
    expect(bytes).toBeGreaterThan(49);
    expect(bytes).toBeLessThan(52);
  }, 60_000);
});
