import { describe, expect, test } from "bun:test";
import { DefaultChatTransport, readUIMessageStream, type UIMessage, type UIMessageChunk } from "ai";
import { listen } from "../../support/listen.ts";
import { chunksOf, delta, numbered, thought, toolResult, toolStart } from "../../support/parts.ts";
import { type Crew, type ShownRun, startCrew } from "../../support/runs.ts";
import { until } from "../../support/until.ts";
import type { Worker } from "../../support/work.ts";

const asked = (id: string, text: string): UIMessage => ({ id, role: "user", parts: [{ type: "text", text }] });

interface Chatter {
  transport: DefaultChatTransport<UIMessage>;
  /** Says the last of these; answers the stream of its turn. */
  say(messages: UIMessage[], signal?: AbortSignal): Promise<ReadableStream<UIMessageChunk>>;
}

/** The AI SDK's own client, with nothing prepared but its address and its token. */
function chatter(url: string, { token }: Worker, chatId = "c1", agentId = "bob"): Chatter {
  const transport = new DefaultChatTransport({
    ...{ api: `${url}/v1/chat/${agentId}`, headers: { authorization: `Bearer ${token}` } },
  });
  return {
    transport,
    say: (messages, abortSignal) =>
      transport.sendMessages({ chatId, messages, trigger: "submit-message", messageId: undefined, abortSignal }),
  };
}

async function messageOf(stream: ReadableStream<UIMessageChunk> | null): Promise<UIMessage | undefined> {
  let last: UIMessage | undefined;
  if (stream) for await (const one of readUIMessageStream({ stream, terminateOnError: true })) last = one;
  return last;
}

const textIn = (message: UIMessage | undefined): string =>
  message?.parts.map((part) => (part.type === "text" ? part.text : "")).join("") ?? "";

/** The runner takes the run that waits for it. */
async function takeNext(crew: Crew, by: Worker = crew.bob): Promise<ShownRun> {
  const waiting = async () =>
    (await crew.ask("GET", `/v1/runs?agent=${by.id}&status=queued`, undefined, by)).body.items;
  await until(async () => (await waiting()).length > 0, "a run that waits");
  return crew.take(by, (await waiting())[0]);
}

const append = (crew: Crew, run: ShownRun, events: object) => crew.does(crew.bob, run, "events", events, run);

describe("a chat of the AI SDK", () => {
  test("DefaultChatTransport starts a run, follows it and resumes it, as it comes", async () => {
    const crew = await startCrew();
    const { transport, say } = chatter(listen(crew), crew.ada);
    expect(await transport.reconnectToStream({ chatId: "c1" })).toBeNull();
    const answer = say([asked("m1", "Which files?")]).then(messageOf);
    const run = await takeNext(crew);
    expect(run).toMatchObject({ task: "Which files?", cause: "chat", agentId: "bob" });
    await append(crew, run, numbered([thought("Hm."), delta("I look. "), toolStart("c1", { cmd: "ls" })]));
    const resumed = messageOf(await transport.reconnectToStream({ chatId: "c1" }));
    await append(crew, run, numbered([toolResult("c1", "a.ts"), delta("One: a.ts")], 3));
    await crew.finish(crew.bob, run);
    const message = await answer;
    expect(message).toMatchObject({ id: run.turnId, role: "assistant" });
    expect(textIn(message)).toBe("I look. One: a.ts");
    expect(await resumed).toEqual(message as UIMessage);
    expect(await transport.reconnectToStream({ chatId: "c1" })).toBeNull();
  });

  test("what is said in a chat is one thread, and each message has a run of the same session", async () => {
    const crew = await startCrew();
    const { say } = chatter(listen(crew), crew.ada);
    const texts: string[] = [];
    for (const id of ["m1", "m2"]) {
      const answer = say([asked("m1", "One"), asked(id, id === "m1" ? "One" : "Two")]).then(messageOf);
      const run = await takeNext(crew);
      await append(crew, run, numbered([delta(`To ${run.task}`)]));
      await crew.finish(crew.bob, run);
      texts.push(textIn(await answer));
    }
    expect(texts).toEqual(["To One", "To Two"]);
    const { items } = (await crew.ask("GET", "/v1/runs?agent=bob", undefined, crew.bob)).body;
    expect(items.map(({ task }: ShownRun) => task)).toEqual(["Two", "One"]);
    expect(new Set(items.map(({ sessionKey }: ShownRun) => sessionKey)).size).toBe(1);
    const thread = (await crew.ask("GET", `/v1/threads/${items[0].threadId}`, undefined, crew.ada)).body;
    const said = [thread.root, ...thread.items].map(({ body }: { body: string }) => body);
    expect(new Set(said)).toEqual(new Set(["One", "Two"]));
  });

  test("G5: the same message id is the same turn; another caller's chat of that name is another chat", async () => {
    const crew = await startCrew();
    const url = listen(crew);
    const { say } = chatter(url, crew.ada);
    const first = say([asked("m1", "One")]).then(messageOf);
    const run = await takeNext(crew);
    const again = say([asked("m1", "One")]).then(messageOf);
    await append(crew, run, numbered([delta("Once.")]));
    await crew.finish(crew.bob, run);
    expect(await again).toEqual((await first) as UIMessage);
    expect(textIn(await say([asked("m1", "One")]).then(messageOf))).toBe("Once.");
    await expect(say([asked("m1", "Else")])).rejects.toThrow(/idempotency-mismatch/);
    const other = chatter(url, crew.cid)
      .say([asked("m1", "One")])
      .then(messageOf);
    const second = await takeNext(crew);
    expect(second.sessionKey).not.toBe(run.sessionKey);
    await crew.finish(crew.bob, second, { result: "Twice." });
    expect(textIn(await other)).toBe("Twice.");
  });

  test("what was said is forgotten by age: its id may then be used again", async () => {
    const crew = await startCrew({ retentionDays: 1 });
    const post = async (text: string) => {
      const said = crew.ask("POST", "/v1/chat/bob", { id: "c1", messages: [asked("m1", text)] }, crew.ada);
      await crew.finish(crew.bob, await takeNext(crew), { result: `To ${text}` });
      return (await said).body;
    };
    expect(await post("One")).toContain("To One");
    for (let hour = 0; hour < 26; hour++) await crew.pass(3_600_000);
    expect(await post("Two")).toContain("To Two");
  });

  test("a client that stops listening leaves the run running; an abort of the run is told as such", async () => {
    const crew = await startCrew();
    const { transport, say } = chatter(listen(crew), crew.ada);
    const stop = new AbortController();
    const stream = await say([asked("m1", "Work")], stop.signal);
    const run = await takeNext(crew);
    await append(crew, run, numbered([delta("Wor")]));
    const reader = stream.getReader();
    await reader.read();
    stop.abort();
    await reader.read().catch(() => undefined);
    expect((await append(crew, run, numbered([delta("king")], 1))).status).toBe(200);
    expect((await crew.see(run)).status).toBe("running");
    const chunks: UIMessageChunk[] = [];
    const resumed = await transport.reconnectToStream({ chatId: "c1" });
    const reading = (async () => {
      for await (const chunk of resumed as ReadableStream<UIMessageChunk>) chunks.push(chunk);
    })();
    await crew.ask("POST", `/v1/runs/${run.id}/abort`, { reason: "Enough." }, crew.ada);
    await crew.finish(crew.bob, run, { outcome: "aborted" });
    await reading;
    expect(chunks.at(-1)).toMatchObject({ type: "abort", reason: "Enough." });
    expect(chunks.map((chunk) => (chunk.type === "text-delta" ? chunk.delta : "")).join("")).toBe("Working");
  });

  test("an agent that knows nothing of runs gets a message, and its reply is the answer", async () => {
    const crew = await startCrew();
    const { say } = chatter(listen(crew), crew.ada);
    for (const [id, text, reply] of [
      ["m1", "Are you there?", "Yes."],
      ["m2", "Still?", "Still."],
    ] as const) {
      const answer = say([asked(id, text)]).then(messageOf);
      const heard = async () =>
        (await crew.inbox(crew.bob)).find(
          ({ kind, body }: { kind: string; body: string }) => kind === "chat" && body === text,
        );
      await until(async () => (await heard()) !== undefined, "the message");
      const message = await heard();
      await crew.ask("POST", "/v1/messages", { to: "ada", body: reply, replyTo: message.id }, crew.bob);
      expect(textIn(await answer)).toBe(reply);
    }
  });

  test("a word to a run that works steers it, and a run may be chatted with by its id", async () => {
    const crew = await startCrew();
    const bob = await crew.agent("bob", { reach: "mid-turn" });
    const url = listen(crew);
    const { say } = chatter(url, crew.ada);
    const first = say([asked("m1", "Look")]).then(messageOf);
    const run = await takeNext(crew);
    const second = say([asked("m2", "In src")]).then(messageOf);
    await until(async () => (await crew.words(bob)).some(({ do: what }) => what === "message"), "the word");
    await append(crew, run, numbered([delta("Looking.")]));
    await crew.finish(crew.bob, run);
    const message = await first;
    expect(message?.parts.map(({ type }) => type)).toContain("data-user-message");
    expect(await second).toEqual(message as UIMessage);
    const more = chatter(url, { id: "user", token: crew.relay.operatorToken }, run.id).say([asked("m3", "More")]);
    const next = await takeNext(crew);
    expect(next.id).toBe(run.id);
    await crew.finish(crew.bob, next, { result: "More." });
    expect(textIn(await more.then(messageOf))).toBe("More.");
  });

  test("a chat of 3 MiB is taken, and its last message alone is read", async () => {
    const crew = await startCrew();
    const { say } = chatter(listen(crew), crew.ada);
    const history = Array.from(
      { length: 300 },
      (_, i): UIMessage => ({
        ...{ id: `h${i}`, role: i % 2 ? "assistant" : "user", parts: [{ type: "text", text: "x".repeat(10_000) }] },
      }),
    );
    const answer = say([...history, asked("m1", "Now?")]).then(messageOf);
    const run = await takeNext(crew);
    expect(run.task).toBe("Now?");
    await crew.finish(crew.bob, run, { result: "Now." });
    expect(textIn(await answer)).toBe("Now.");
  });

  test("another answer to the same message is another turn", async () => {
    const crew = await startCrew();
    const { transport, say } = chatter(listen(crew), crew.ada);
    const first = say([asked("m1", "Try")]).then(messageOf);
    await crew.finish(crew.bob, await takeNext(crew), { result: "One." });
    expect(textIn(await first)).toBe("One.");
    const again = transport.sendMessages({
      ...{ chatId: "c1", messages: [asked("m1", "Try")], trigger: "regenerate-message" as const },
      ...{ messageId: undefined, abortSignal: undefined },
    });
    await crew.finish(crew.bob, await takeNext(crew), { result: "Two." });
    expect(textIn(await again.then(messageOf))).toBe("Two.");
    expect((await crew.ask("GET", "/v1/messages?from=ada", undefined, crew.ada)).body.items).toHaveLength(1);
  });

  test("files of a chat go along with its message, and with the run", async () => {
    const crew = await startCrew();
    const { id } = (await crew.ask("POST", "/v1/files?name=plan.json", { plan: 1 }, crew.ada)).body;
    const url = listen(crew);
    const parts: UIMessage["parts"] = [{ type: "file", mediaType: "application/json", url: `${url}/v1/files/${id}` }];
    const answer = chatter(url, crew.ada)
      .say([{ id: "m1", role: "user", parts }])
      .then(messageOf);
    const run = await takeNext(crew);
    expect((await crew.ask("GET", `/v1/files/${id}`, undefined, crew.bob)).status).toBe(200);
    const [message] = (await crew.ask("GET", "/v1/messages?from=ada", undefined, crew.bob)).body.items;
    expect(message).toMatchObject({ id: run.messageId, body: "", payload: { files: [{ fileId: id }] } });
    const word = (await crew.inbox(crew.bob)).find(({ kind }: { kind: string }) => kind === "control");
    expect(word.payload.files).toEqual([{ fileId: id }]);
    await crew.finish(crew.bob, run, { result: "Seen." });
    expect(textIn(await answer)).toBe("Seen.");
  });

  test("names of chats and messages may be long, whoever chats", async () => {
    const crew = await startCrew();
    const long = await crew.agent("a".repeat(128));
    const url = listen(crew);
    const ids = ["x".repeat(10_000), "\ud800"];
    for (const [i, id] of ids.entries()) {
      const answer = chatter(url, long, "c".repeat(512))
        .say([asked(id, `Say ${i}`)])
        .then(messageOf);
      await crew.finish(crew.bob, await takeNext(crew), { result: `Said ${i}` });
      expect(textIn(await answer)).toBe(`Said ${i}`);
    }
  });

  test("a word to a run that cannot hear it now is answered by the turn after", async () => {
    const crew = await startCrew();
    const { say } = chatter(listen(crew), crew.ada);
    const first = say([asked("m1", "Work")]).then(messageOf);
    const run = await takeNext(crew);
    const second = say([asked("x".repeat(10_000), "More")]);
    await second;
    await crew.finish(crew.bob, run, { result: "Worked." });
    expect(textIn(await first)).toBe("Worked.");
    const next = await takeNext(crew);
    expect([next.id, next.turnId === run.turnId]).toEqual([run.id, false]);
    await crew.finish(crew.bob, next, { result: "More work." });
    expect(textIn(await second.then(messageOf))).toBe("More work.");
  });

  test("a chat that says nothing, names nobody, or brings a foreign file is refused with its place", async () => {
    const crew = await startCrew();
    const post = (agentId: string, body: object, how: object = crew.ada) =>
      crew.ask("POST", `/v1/chat/${agentId}`, body, how);
    const pointerOf = async (messages: object[]) => (await post("bob", { id: "c", messages })).body.errors?.[0].pointer;
    expect(await pointerOf([])).toBe("/messages");
    expect(await pointerOf([{ role: "assistant", parts: [] }])).toBe("/messages");
    expect(await pointerOf([{ role: "user", parts: [{ type: "text", text: "  " }] }])).toBe("/messages/0/parts");
    expect(await pointerOf([{ role: "user", parts: [{ type: "file", url: "data:,x" }] }])).toBe(
      "/messages/0/parts/0/url",
    );
    expect(await pointerOf([{ role: "user", parts: [{ type: "text", text: "x".repeat(300_000) }] }])).toBe(
      "/messages/0/parts",
    );
    const sound = { id: "c", messages: [asked("m", "Hi")] };
    expect((await post("nobody", sound)).body.code).toBe("unknown-target");
    expect((await post("user", sound)).status).toBe(422);
    expect((await post("bob", { ...sound, id: "run_none" })).status).toBe(404);
    const viewer = (await crew.ask("POST", "/v1/tokens", { role: "viewer" })).body;
    expect((await post("bob", sound, { token: viewer.token })).status).toBe(403);
    expect((await crew.ask("GET", "/v1/chat/bob/none/stream", undefined, crew.ada)).status).toBe(204);
    expect((await crew.ask("GET", "/v1/runs", undefined, crew.ada)).body.items).toEqual([]);
    expect(chunksOf("data: [DONE]\n\n")).toEqual(["[DONE]"]);
  });
});
