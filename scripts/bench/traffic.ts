import { randomUUIDv7 } from "bun";
import type { NewToken } from "../../src/protocol/tokens.ts";
import { type Connection, connectMany, expectSuccess, forEach, request } from "./http-load.ts";
import type { Relay } from "./relay.ts";

/** An agent with the token it speaks with. */
export interface Speaker {
  id: string;
  token: string;
}

/** Groups of the agents of a benchmark, so that each has nine targets: id, label, tags, capabilities, broadcast. */
const groupsOf = (n: number) => ({
  label: `team-${n % 20}`,
  tags: [`t${n % 10}`, `u${n % 50}`, "all"],
  capabilities: [`c${n % 7}`, `d${n % 30}`, "bench"],
});

/** Registers `count` agents, in the groups of `groups`, and gives each its token. */
export async function registerSpeakers(
  relay: Relay,
  count: number,
  prefix = "agent",
  groups: (n: number) => object = groupsOf,
): Promise<Speaker[]> {
  const lanes = await connectMany(relay.port, 32);
  const speakers: Speaker[] = [];
  await forEach(lanes, Array(count).keys(), async (lane, n) => {
    const id = `${prefix}-${n}`;
    await put(lane, relay.operatorToken, `/v1/agents/${id}`, { name: id, ...groups(n) });
    const body = JSON.stringify({ role: "agent", agentId: id });
    const answer = expectSuccess(await lane.ask(request("POST", "/v1/tokens", relay.operatorToken, body)));
    speakers[n] = { id, token: (JSON.parse(answer.body.toString()) as NewToken).token };
  });
  for (const lane of lanes) lane.close();
  return speakers;
}

async function put(lane: Connection, token: string, path: string, body: unknown) {
  expectSuccess(await lane.ask(request("PUT", path, token, JSON.stringify(body))));
}

export const pick = <T>(list: readonly T[]): T => {
  const item = list[Math.floor(Math.random() * list.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
};

const WORDS = "the build passed but two checks on main still wait for a review of the lease and cursor code ".split(
  " ",
);
/** Bodies of 300 bytes. */
const BODIES = Array.from({ length: 256 }, () => {
  let body = "";
  while (body.length < 300) body += `${pick(WORDS)} `;
  return body.slice(0, 300);
});

/** A message as agents send it, as JSON: 300 bytes of body, a small payload and meta, a key of its own. */
export function draft(to: string, more = ""): string {
  return (
    `{"to":"${to}","topic":"builds","body":"${pick(BODIES)}","idempotencyKey":"${randomUUIDv7()}"${more},` +
    `"payload":{"build":${Math.floor(Math.random() * 1e6)},"branch":"main","ok":true},"meta":{"source":"bench"}}`
  );
}

export const CLAIMABLE = `,"claimable":true`;

/** `count` messages as the body of a batch. */
export const batch = (count: number, one: () => string): string =>
  `{"messages":[${Array.from({ length: count }, one).join(",")}]}`;

/** Stores `count` messages, a thousand at a time. */
export async function fill(relay: Relay, speakers: readonly Speaker[], count: number, one: () => string) {
  const lanes = await connectMany(relay.port, 4);
  const sizes = Array.from({ length: Math.ceil(count / 1000) }, (_, n) => Math.min(1000, count - n * 1000));
  await forEach(lanes, sizes, async (lane, size) => {
    expectSuccess(await lane.ask(request("POST", "/v1/messages/batch", pick(speakers).token, batch(size, one))));
  });
  for (const lane of lanes) lane.close();
}
