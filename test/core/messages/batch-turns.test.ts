import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

describe("a batch of a thousand messages", () => {
  test("a batch of a thousand messages leaves the event loop free while it is written, and shows all of itself or nothing", async () => {
    const { ask } = await startRelay();
    const messages = Array.from({ length: 1000 }, () => ({ to: "user", body: "x".repeat(8000) }));
    const body = JSON.stringify({ messages });
    let done = false;
    const sent = ask("POST", "/v1/messages/batch", body).then((answer) => {
      done = true;
      return answer;
    });
    const seen = new Set<number>();
    let looks = 0;
    while (!done) {
      await new Promise((resolve) => setImmediate(resolve));
      const { body: thread } = await ask("GET", "/v1/messages?limit=1");
      seen.add(thread.items[0]?.id ?? 0);
      looks++;
    }
    expect((await sent).status).toBe(201);
    expect(looks).toBeGreaterThan(6);
    expect([0, 1000]).toContain([...seen].at(-1) ?? 0);
    expect([...seen].every((id) => id === 0 || id === 1000)).toBe(true);
  });

  test("a batch of a thousand messages that is refused at its end leaves nothing, whatever came meanwhile", async () => {
    const { ask } = await startRelay();
    const messages: unknown[] = Array.from({ length: 999 }, () => ({ to: "user", body: "x".repeat(4000) }));
    const refused = ask("POST", "/v1/messages/batch", { messages: [...messages, { to: "nobody-there", body: "x" }] });
    const others = await Promise.all(
      Array.from({ length: 20 }, (_, i) => ask("POST", "/v1/messages", { to: "user", body: `single ${i}` })),
    );
    expect((await refused).status).toBe(422);
    expect(others.every((answer) => answer.status === 201)).toBe(true);
    expect(
      (await ask("GET", "/v1/messages")).body.items.map((item: { body: string }) => item.body.slice(0, 6)),
    ).toEqual(others.map(() => "single"));
  });
});
