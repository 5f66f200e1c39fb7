import { type Client, createClient } from "../../client/client.ts";
import type { Explanation } from "../../protocol/explain.ts";
import type { Message } from "../../protocol/messages.ts";
import type { ScratchRelay } from "../scratch-relay.ts";

/** One step of the demo, as it happens. */
export type Scene =
  | { type: "chapter"; title: string }
  | { type: "message"; message: Pick<Message, "id" | "from" | "to" | "subject" | "body"> }
  | { type: "note"; text: string }
  | { type: "proof"; explanation: Explanation };

/** A scripted agent, with the token that makes it this one. */
interface Actor {
  id: string;
  client: Client;
}

/** Two scripted agents talk, hand over work and delegate; then the relay is killed, and explains what became of it. */
export async function play(relay: ScratchRelay, show: (scene: Scene) => Promise<void>): Promise<void> {
  const note = (text: string) => show({ type: "note", text });
  const chapter = (title: string) => show({ type: "chapter", title });
  await chapter("Two agents register. Each gets a token that lets it speak in its own name alone.");
  const builder = await register(relay, "builder", "dev");
  const reviewer = await register(relay, "reviewer", "review");
  await note("builder has the tag dev, reviewer the tag review.");

  await chapter("They talk. The relay keeps each message until its reader acknowledges it.");
  await talk(builder, reviewer, show);

  await chapter("builder hands over work. Anyone with the tag review may claim it, exactly one holds it.");
  const task = await handOver(builder, reviewer, show);

  await chapter("builder delegates. The request owes an answer before a deadline; builder is told if none comes.");
  const request = await delegate(builder, reviewer, show);

  await chapter("The relay is killed (kill -9) and started again. It explains work and request from its database.");
  await relay.kill();
  await relay.start();
  for (const id of [task, request])
    await show({ type: "proof", explanation: await builder.client.messages.explain(id) });
}

async function register(relay: ScratchRelay, id: string, tag: string): Promise<Actor> {
  const operator = createClient({ url: relay.url(), token: relay.token() });
  await operator.agents.register(id, { name: id, tags: [tag] });
  const { token } = await operator.tokens.create({ role: "agent", agentId: id });
  return { id, client: createClient({ url: relay.url(), token, agentId: id }) };
}

/** Reads what waits for an agent, and acknowledges it. */
async function read({ client }: Actor): Promise<Message[]> {
  const { items, next } = await client.inbox.read({ waitSeconds: 10 });
  if (next !== undefined) await client.inbox.ack(next);
  return items;
}

async function talk(builder: Actor, reviewer: Actor, show: (scene: Scene) => Promise<void>): Promise<void> {
  const question = "Main is green again. Shall I cut the release?";
  const asked = await builder.client.messages.send({ to: reviewer.id, body: question });
  await show({ type: "message", message: asked });
  for (const { id: replyTo } of await read(reviewer)) {
    const answer = "Almost: I would like to run the migration test first.";
    const replied = await reviewer.client.messages.send({ to: builder.id, body: answer, replyTo });
    await show({ type: "message", message: replied });
  }
  await read(builder);
  await show({ type: "note", text: "Both have acknowledged." });
}

/** @returns the id of the work's message */
async function handOver(builder: Actor, reviewer: Actor, show: (scene: Scene) => Promise<void>): Promise<number> {
  const draft = { to: "tag:review", subject: "Run the migration test", body: "On a copy of last night's database." };
  const work = await builder.client.messages.send({ ...draft, claimable: true });
  await show({ type: "message", message: work });
  const { items } = await reviewer.client.claims.claimNext({ waitSeconds: 10, leaseSeconds: 60 });
  for (const { message, claim } of items) {
    const lease = `attempt ${claim.attempt}, lease of 60 s`;
    await show({ type: "note", text: `reviewer has claimed #${message.id} (${lease}).` });
    await reviewer.client.claims.complete(message.id, { token: claim.token, result: "41 of 41 passed." });
    await show({ type: "note", text: `reviewer has completed #${message.id}. Its result goes to builder:` });
  }
  await read(reviewer);
  for (const message of await read(builder)) await show({ type: "message", message });
  return work.id;
}

/** @returns the id of the request's message */
async function delegate(builder: Actor, reviewer: Actor, show: (scene: Scene) => Promise<void>): Promise<number> {
  const text = "Is it safe to release now? Answer yes or no.";
  const asked = await builder.client.delegations.ask({ to: reviewer.id, text, timeoutSeconds: 60 });
  for (const message of await read(reviewer)) await show({ type: "message", message });
  await reviewer.client.delegations.answer(asked.id, { text: "Yes." });
  const ended = await builder.client.delegations.wait(asked.id);
  for (const message of await read(builder)) await show({ type: "message", message });
  await show({ type: "note", text: `The request is ${ended.status}, before its deadline.` });
  return asked.messageId;
}
