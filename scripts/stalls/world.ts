import { Database } from "bun:sqlite";
import { join } from "node:path";
import pino from "pino";
import { readConfig } from "../../src/config.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { createRelay, type Relay } from "../../src/relay.ts";

const CROWD = 1000;
const PAST_GROUPS = 30_000;
const THREAD = 500;

export interface World {
  relay: Relay;
  /** The operator's; of an agent with much mail, of one with none, and of one that belonged to 30,000 groups. */
  tokens: { operator: string; ann: string; quiet: string; wanderer: string };
  ask(method: string, path: string, body?: unknown, token?: string): Promise<{ status: number; body: Answered }>;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the relay answered
type Answered = any;

/** A relay in this process over a database that holds what makes its answers long. */
export async function startWorld(folder: string): Promise<World> {
  const config = readConfig({
    SIGNALBOX_DATA_DIR: folder,
    ...{ SIGNALBOX_RATE_LIMIT: "0", SIGNALBOX_LOOP_LIMIT: "0", SIGNALBOX_THREAD_RATE: "0" },
    ...{ SIGNALBOX_DELEGATIONS_PER_AGENT: "10000", SIGNALBOX_DISK_RESERVE_BYTES: "0" },
  });
  const relay = await createRelay(config, systemClock, pino({ level: "silent" }));
  const world: World = {
    relay,
    tokens: { operator: relay.operatorToken, ann: "", quiet: "", wanderer: "" },
    async ask(method, path, body, token = relay.operatorToken) {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      const response = await relay.app.handle(new Request(`http://localhost${path}`, init));
      const text = await response.text();
      return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
    },
  };
  await populate(world, join(folder, "signalbox.db"));
  await relay.settle();
  return world;
}

async function populate(world: World, file: string): Promise<void> {
  const { ask } = world;
  for (const id of ["ann", "ben", "quiet", "wanderer"]) {
    await ask("PUT", `/v1/agents/${id}`, { name: id, tags: id === "quiet" ? [] : ["crowd"] });
    const { body } = await ask("POST", "/v1/tokens", { role: "agent", agentId: id });
    if (id !== "ben") world.tokens[id as keyof World["tokens"]] = body.token;
  }
  await crowd(world);
  await thread(world);
  await texts(world);
  await largeThings(world);
  wander(file);
}

/** A thousand members of one group, each with a large description of itself. */
async function crowd({ ask }: World): Promise<void> {
  const meta = { note: "x".repeat(30_000) };
  for (let i = 0; i < CROWD; i++)
    await ask("PUT", `/v1/agents/member-${i}`, { name: `Member ${i}`, tags: ["crowd"], meta });
}

/** A thread of a group whose members have all read it. */
async function thread({ ask }: World): Promise<void> {
  for (const mapping of ["alertmanager", "github"]) await ask("PUT", `/v1/integrations/${mapping}`, { mapping });
  const root = (await ask("POST", "/v1/messages", { to: "tag:crowd", body: "root" })).body.id;
  const replies = Array.from({ length: THREAD }, () => ({ to: "tag:crowd", body: "more", replyTo: root }));
  const last = (await ask("POST", "/v1/messages/batch", { messages: replies })).body.items.at(-1).id;
  for (let i = 0; i < CROWD; i++) await ask("POST", `/v1/agents/member-${i}/inbox/ack`, { upTo: last });
}

/** Bodies that a search has much to do with, and large ones. */
async function texts({ ask }: World): Promise<void> {
  for (let i = 0; i < 10; i++) {
    const messages = Array.from({ length: 100 }, () => ({ to: "ann", body: "a b a ".repeat(1300) }));
    await ask("POST", "/v1/messages/batch", { messages });
  }
  const payload = { list: Array.from({ length: 30_000 }, () => 1) };
  for (let i = 0; i < 40; i++)
    await ask("POST", "/v1/messages", { to: "ann", body: "x".repeat(100_000), payload, replyTo: 1 });
}

async function largeThings({ ask, tokens }: World): Promise<void> {
  const body = "x".repeat(200_000);
  for (let i = 0; i < 40; i++) {
    await ask("POST", "/v1/schedules", { at: "2099-01-01T00:00:00Z", message: { to: "ann", body } });
    await ask("POST", "/v1/tasks", { title: `${i}`, body, target: "ann" });
    await ask("POST", "/v1/delegations", { to: "ann", text: body });
    await ask(
      "POST",
      "/v1/messages/1/traces",
      [{ level: 2, type: "thinking", content: "x".repeat(16_000) }],
      tokens.ann,
    );
    await ask("POST", "/v1/messages", { to: "ann", body, claimable: true });
  }
  await ask("POST", "/v1/agents/ann/claims", { max: 20 }, tokens.ann);
}

/** Rows of an agent that went from group to group for years. */
function wander(file: string): void {
  const sqlite = new Database(file);
  sqlite.run("pragma busy_timeout = 5000");
  sqlite.transaction(() => {
    const add = sqlite.prepare(
      "insert into memberships (agent_id, target, since_id, until_id) values ('wanderer', ?, 0, 100)",
    );
    for (let i = 0; i < PAST_GROUPS; i++) add.run(`tag:past-${i}`);
  })();
  sqlite.close();
}
