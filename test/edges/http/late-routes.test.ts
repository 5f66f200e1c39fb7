import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

describe("a feature that nobody has used yet", () => {
  test("a feature that nobody has used yet answers its first request as any other", async () => {
    const { ask } = await startRelay();
    expect((await ask("GET", "/v1/schedules")).body).toEqual({ items: [], nextPage: null });
    expect((await ask("GET", "/v1/webhooks/")).status).toBe(200);
    const both = await Promise.all([ask("GET", "/v1/loops"), ask("GET", "/v1/loops")]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    expect((await ask("GET", "/v1/messages/1/posts")).status).toBe(405);
  });

  test("a feature that nobody has used yet says which methods a path takes, and that there is no such path", async () => {
    const { ask } = await startRelay();
    const wrong = await ask("PUT", "/v1/pairs");
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
    expect((await ask("GET", "/v1/pairs/of/nobody")).status).toBe(404);
    expect((await ask("GET", "/v1/pairsx")).status).toBe(404);
  });

  test("a feature that nobody has used yet answers HEAD", async () => {
    const { relay } = await startRelay();
    const request = new Request("http://localhost/v1/integrations", {
      method: "HEAD",
      headers: { authorization: `Bearer ${relay.operatorToken}` },
    });
    expect((await relay.app.handle(request)).status).toBe(200);
  });
});
