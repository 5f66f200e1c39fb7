import { expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

const KEY = { headers: { "idempotency-key": '"first"' } };

test("G5: a token asked for twice with one key is the same token, after a restart too", async () => {
  const relay = await startRelay();
  const first = await relay.ask("POST", "/v1/tokens", { role: "viewer" }, KEY);
  expect(first.status).toBe(201);
  await relay.restart();
  const again = await relay.ask("POST", "/v1/tokens", { role: "viewer" }, KEY);
  expect(again.status).toBe(200);
  expect(again.headers.get("idempotent-replayed")).toBe("true");
  expect(again.body).toEqual(first.body);
  expect((await relay.ask("GET", "/v1/whoami", undefined, { token: again.body.token })).body.role).toBe("viewer");
});

test("G5: a token's key used with other content is refused", async () => {
  const { ask } = await startRelay();
  await ask("POST", "/v1/tokens", { role: "viewer" }, KEY);
  const other = await ask("POST", "/v1/tokens", { role: "operator" }, KEY);
  expect(other.body.code).toBe("idempotency-mismatch");
  expect((await ask("GET", "/v1/tokens")).body.items).toHaveLength(2);
});
