import { describe, expect, test } from "bun:test";
import { startServer, type TestServer } from "../../support/server.ts";
import type { Held } from "../../support/work.ts";

const ITEMS = 2000;
const CLAIMERS = 64;

type Call = (method: string, path: string, body?: unknown, token?: string) => Promise<Record<string, unknown>>;

const callOf =
  ({ url, operatorToken }: TestServer): Call =>
  async (method, path, body, token = operatorToken) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };

/** Agents of one group, each with its token; claimers are the instances of one agent or of many. */
async function claimers(call: Call): Promise<{ id: string; token: string }[]> {
  const agents: { id: string; token: string }[] = [];
  for (let i = 0; i < 8; i++) {
    const id = `worker-${i}`;
    await call("PUT", `/v1/agents/${id}`, { name: id, tags: ["pool"] });
    const { token } = await call("POST", "/v1/tokens", { role: "agent", agentId: id });
    agents.push({ id, token: String(token) });
  }
  return Array.from({ length: CLAIMERS }, (_, i) => agents[i % agents.length] as { id: string; token: string });
}

async function openWork(call: Call): Promise<number[]> {
  const ids: number[] = [];
  for (let i = 0; i < ITEMS; i += 500) {
    const messages = Array.from({ length: 500 }, (_, n) => ({ to: "tag:pool", body: `${i + n}`, claimable: true }));
    const { items } = await call("POST", "/v1/messages/batch", { messages });
    ids.push(...(items as { id: number }[]).map((item) => item.id));
  }
  return ids;
}

describe("many claimers", () => {
  test("G4: each piece of work is held once and done once", async () => {
    const call = callOf(await startServer());
    const everybody = await claimers(call);
    const ids = await openWork(call);
    const held: number[] = [];

    await Promise.all(
      everybody.map(async ({ id, token }, n) => {
        for (;;) {
          const want = { max: 1 + (n % 3) };
          const items = (await call("POST", `/v1/agents/${id}/claims`, want, token)).items as Held[];
          if (items.length === 0) return;
          for (const { message, claim } of items) {
            held.push(message.id);
            await call("POST", `/v1/messages/${message.id}/complete`, { token: claim.token }, token);
          }
        }
      }),
    );
    expect(held.sort((a, b) => a - b)).toEqual(ids);

    const states = [];
    for (let page: unknown = ""; page !== null; ) {
      const list = await call("GET", `/v1/messages?state=done&limit=500${page ? `&page=${page}` : ""}`);
      states.push(...(list.items as { id: number }[]));
      page = list.nextPage;
    }
    expect(states).toHaveLength(ITEMS);
  });

  test("G4: of many claimers who ask for one and the same piece of work one gets it, the others are told who has it", async () => {
    const call = callOf(await startServer());
    const everybody = await claimers(call);
    const { id } = await call("POST", "/v1/messages", { to: "tag:pool", body: "one", claimable: true });
    const answers = await Promise.allSettled(
      everybody.map(({ token }) => call("POST", `/v1/messages/${id}/claim`, {}, token)),
    );
    expect(answers.filter((answer) => answer.status === "fulfilled")).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === "rejected") expect(String(answer.reason)).toContain("already-claimed");
    }
    const { attempts } = await call("GET", `/v1/messages/${id}`);
    expect(attempts).toHaveLength(1);
  });

  test("G4: many claimers that wait when the work comes get each piece once, and none is left over", async () => {
    const call = callOf(await startServer());
    const everybody = await claimers(call);
    const waiting = everybody.map(({ id, token }) =>
      call("POST", `/v1/agents/${id}/claims`, { waitSeconds: 30 }, token).then(({ items }) => items as Held[]),
    );
    const messages = everybody.map((_, i) => ({ to: "tag:pool", body: `${i}`, claimable: true }));
    const { items } = await call("POST", "/v1/messages/batch", { messages });
    const held = (await Promise.all(waiting)).flatMap((claimed) => claimed.map(({ message }) => message.id));
    expect(held.sort((a, b) => a - b)).toEqual((items as { id: number }[]).map((item) => item.id));
  });
});
