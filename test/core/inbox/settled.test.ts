import { describe, expect, test } from "bun:test";
import { connect } from "../../support/mcp.ts";
import { type Crew, startCrew } from "../../support/work.ts";

/** Ann's unread messages: as her plain inbox marks them, and as each text for her model counts them. */
async function standing(crew: Crew) {
  const digest = (await crew.ask("GET", "/v1/agents/ann/inbox/digest", undefined, crew.ann)).body;
  const peer = await connect(crew, crew.ann.token);
  const [inbox, brief] = [await peer.call("inbox"), await peer.call("brief")];
  const items = (await crew.ask("GET", "/v1/agents/ann/inbox", undefined, crew.ann)).body.items;
  return {
    marked: items.map((item: { settled?: boolean }) => item.settled === true),
    unread: [digest.unread, inbox.facts.unread, brief.facts.unread],
    text: [digest.text, inbox.text].join("\n"),
    digest,
    inbox,
  };
}

const ask = async (crew: Crew, more: object = {}) =>
  (await crew.ask("POST", "/v1/delegations", { to: "ann", text: "work", ...more }, crew.boss)).body;
const pair = async (crew: Crew) => (await crew.ask("POST", "/v1/pairs", { target: "ann" }, crew.boss)).body;

/** Each leaves the first entry of ann's inbox with nothing more to do for her. */
const SETTLED: [how: string, act: (crew: Crew) => Promise<unknown>][] = [
  [
    "work she completed",
    async (crew) => {
      await crew.open({ to: "ann" });
      await crew.end("complete", crew.ann, await crew.take(crew.ann));
    },
  ],
  [
    "work of her group that another completed",
    async (crew) => {
      await crew.open();
      await crew.end("complete", crew.ben, await crew.take(crew.ben));
    },
  ],
  [
    "work of her group that another holds",
    async (crew) => {
      await crew.open();
      await crew.take(crew.ben);
    },
  ],
  [
    "work that was cancelled",
    async (crew) => crew.ask("POST", `/v1/messages/${await crew.open()}/cancel`, {}, crew.boss),
  ],
  [
    "work that is dead",
    async (crew) => {
      await crew.open();
      await crew.end("fail", crew.ben, await crew.take(crew.ben), { error: "no", final: true });
    },
  ],
  [
    "a request she answered",
    async (crew) => crew.ask("POST", `/v1/delegations/${(await ask(crew)).id}/response`, { text: "done" }, crew.ann),
  ],
  [
    "a request she answered by a reply",
    async (crew) => {
      const { messageId } = await ask(crew);
      await crew.ask("POST", "/v1/messages", { to: "boss", body: "done", replyTo: messageId }, crew.ann);
    },
  ],
  [
    "a request to her group that another took",
    async (crew) => {
      await ask(crew, { to: "tag:crew" });
      await crew.take(crew.ben);
    },
  ],
  [
    "a request that was taken back",
    async (crew) => crew.ask("POST", `/v1/delegations/${(await ask(crew)).id}/cancel`, {}, crew.boss),
  ],
  [
    "a question whether to pair up that she answered",
    async (crew) => crew.ask("POST", `/v1/pairs/${(await pair(crew)).id}/accept`, {}, crew.ann),
  ],
];

SETTLED.push([
  "a question whether to pair up that is her own",
  (crew) => crew.ask("POST", "/v1/pairs", { target: "boss" }, crew.ann),
]);

/** ben, who works on what ann asked of him, asks back: the first entry of ann's inbox. */
async function askedBack(crew: Crew) {
  const { body } = await crew.ask("POST", "/v1/delegations", { to: "ben", text: "build it" }, crew.ann);
  const question = { text: "Which branch?", question: true };
  await crew.ask("POST", `/v1/delegations/${body.id}/progress`, question, crew.ben);
  return { ...body, questionId: body.messageId + 1 } as { id: string; messageId: number; questionId: number };
}

const QUESTIONS: [how: string, act: (crew: Crew) => Promise<unknown>][] = [
  [
    "that she answered by a reply",
    async (crew) => {
      const { questionId } = await askedBack(crew);
      await crew.ask("POST", "/v1/messages", { to: "ben", body: "main", replyTo: questionId }, crew.ann);
    },
  ],
  [
    "about what she took back",
    async (crew) => crew.ask("POST", `/v1/delegations/${(await askedBack(crew)).id}/cancel`, {}, crew.ann),
  ],
  [
    "about what was answered all the same",
    async (crew) =>
      crew.ask("POST", `/v1/delegations/${(await askedBack(crew)).id}/response`, { text: "built" }, crew.ben),
  ],
  [
    "about what timed out",
    async (crew) => {
      await askedBack(crew);
      await crew.pass(400_000);
    },
  ],
];

/** Each leaves the first entry as something to do. */
const OPEN: [how: string, act: (crew: Crew) => Promise<unknown>][] = [
  ["open work", (crew) => crew.open()],
  [
    "work she holds",
    async (crew) => {
      await crew.open();
      await crew.take(crew.ann);
    },
  ],
  [
    "work that another gave back",
    async (crew) => {
      await crew.open();
      await crew.end("release", crew.ben, await crew.take(crew.ben));
    },
  ],
  [
    "work whose lease another let lapse",
    async (crew) => {
      await crew.open();
      await crew.claim(crew.ben, { leaseSeconds: 5 });
      await crew.pass(60_000);
    },
  ],
  ["an open request", (crew) => ask(crew)],
  ["a question of a worker", (crew) => askedBack(crew)],
  ["a question whether to pair up", (crew) => pair(crew)],
];

describe("settled entries are not unread", () => {
  for (const [how, act] of SETTLED)
    test(`a settled entry (${how}) is marked in the inbox, and no model is told of it`, async () => {
      const crew = await startCrew({ durability: "normal" });
      await act(crew);
      const { marked, unread, text, digest } = await standing(crew);
      expect(marked[0]).toBe(true);
      // A cancelled or paired request is followed by a message that says so.
      const others = marked.length - 1;
      expect(unread).toEqual([others, others, others]);
      expect(text).not.toContain("[1 from");
      expect(digest.ack).toBeGreaterThanOrEqual(1);
      const acked = await crew.ask("POST", "/v1/agents/ann/inbox/ack", { upTo: digest.ack }, crew.ann);
      expect(acked.body).toEqual({ cursor: digest.ack, skipped: 0 });
    });

  for (const [how, act] of QUESTIONS)
    test(`a question of a worker ${how} is marked, and no model is told of it`, async () => {
      const crew = await startCrew({ durability: "normal" });
      await act(crew);
      const { marked, unread, text } = await standing(crew);
      expect(marked[0]).toBe(true);
      const others = marked.length - 1;
      expect(unread).toEqual([others, others, others]);
      expect(text).not.toContain("Which branch?");
    });

  for (const [how, act] of OPEN)
    test(`an entry that is not settled (${how}) is unread`, async () => {
      const crew = await startCrew({ durability: "normal" });
      await act(crew);
      const { marked, unread } = await standing(crew);
      expect(marked).toEqual([false]);
      expect(unread).toEqual([1, 1, 1]);
    });

  test("a settled entry stays so after a restart, in every look at the inbox", async () => {
    const crew = await startCrew();
    await SETTLED[0]?.[1](crew);
    await crew.restart();
    for (const query of ["", "?limit=1&include=parent", "?kind=task", "?after=0"]) {
      const { body } = await crew.ask("GET", `/v1/agents/ann/inbox${query}`, undefined, crew.ann);
      expect(body.items[0]).toMatchObject({ id: 1, state: "done", settled: true });
    }
  });

  test("a settled entry is passed over: what lies between and behind is shown and acknowledged in order", async () => {
    const crew = await startCrew({ durability: "normal" });
    await crew.open();
    await crew.ask("POST", "/v1/messages", { to: "ann", body: "read me" }, crew.boss);
    await crew.open();
    for (let n = 0; n < 2; n++) await crew.end("complete", crew.ben, await crew.take(crew.ben));
    const { digest, inbox } = await standing(crew);
    expect(digest).toMatchObject({ unread: 1, shown: [2], ack: 3, newest: 2 });
    expect(inbox.facts).toMatchObject({ unread: 1, shown: [2], ack: 3 });
  });

  test("a settled entry hides nothing behind it, however much of it there is", async () => {
    const crew = await startCrew({ durability: "normal" });
    for (let n = 0; n < 6; n++) {
      const messages = Array.from({ length: 1000 }, () => ({ to: "tag:crew", body: "w", claimable: true }));
      await crew.ask("POST", "/v1/messages/batch", { messages }, crew.boss);
      for (let left = 1000; left > 0; left -= 100)
        for (const held of await crew.claim(crew.ben, { max: 100 })) await crew.end("complete", crew.ben, held);
    }
    await crew.ask("POST", "/v1/messages", { to: "ann", body: "read me" }, crew.boss);
    const first = (await crew.ask("GET", "/v1/agents/ann/inbox/digest", undefined, crew.ann)).body;
    expect(first).toMatchObject({ unread: 0, more: true });
    await crew.ask("POST", "/v1/agents/ann/inbox/ack", { upTo: first.ack }, crew.ann);
    const second = (await crew.ask("GET", "/v1/agents/ann/inbox/digest", undefined, crew.ann)).body;
    expect(second).toMatchObject({ unread: 1, more: false });
  });

  test("a settled entry ends no wait of a tool: the next message does", async () => {
    const crew = await startCrew({ durability: "normal" });
    await SETTLED[1]?.[1](crew);
    const peer = await connect(crew, crew.ann.token);
    const waiting = peer.call("inbox", { wait: 20 });
    await crew.ask("POST", "/v1/messages", { to: "ann", body: "now" }, crew.boss);
    expect((await waiting).facts).toMatchObject({ unread: 1, shown: [2] });
  });

  test("a settled entry is shown as the agent's again when another gives it back", async () => {
    const crew = await startCrew({ durability: "normal" });
    await crew.open();
    const held = await crew.take(crew.ben);
    expect((await standing(crew)).unread).toEqual([0, 0, 0]);
    await crew.end("release", crew.ben, held);
    expect((await standing(crew)).unread).toEqual([1, 1, 1]);
  });
});
