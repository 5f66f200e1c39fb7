import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

/** Words of libraries, which say neither the rule nor the way out. */
const RAW =
  /Invalid (input|option|string|URL|ISO)|Too (small|big)|expected (string|number|int)|received |Unrecognized|JSON Parse|NaN|undefined|\^\[/i;

describe("a refusal says the rule", () => {
  test.each([
    ["GET", "/v1/messages?limit=0", undefined, "limit has to be a whole number from 1 to 500"],
    ["GET", "/v1/messages?limit=501", undefined, "limit has to be a whole number from 1 to 500"],
    ["GET", "/v1/messages?limit=ten", undefined, "limit has to be a whole number from 1 to 500"],
    ["GET", "/v1/messages?limit=99999999999999999999", undefined, "limit has to be a whole number from 1 to 500"],
    ["GET", "/v1/messages?limit=", undefined, "limit has to be a whole number from 1 to 500"],
    ["GET", "/v1/messages?kind=letter", undefined, "kind has to be chat, task,"],
    ["GET", "/v1/messages/17/traces?level=9", undefined, "level has to be a whole number from 2 to 3"],
    ["GET", "/v1/agents?status=gone", undefined, "status has to be online, busy, idle or offline"],
    ["GET", "/v1/messages/abc", undefined, "id has to be a message's id: a whole number from 1"],
    ["GET", "/v1/agents/No%20One", undefined, "id has to be an agent's id: lower-case letters"],
    ["GET", "/v1/tasks/17", undefined, "id has to be the id of a task, like tsk_"],
    ["POST", "/v1/messages", { to: "user" }, "/body is missing: it has to be text"],
    ["POST", "/v1/messages", { to: "user", body: 7 }, "/body has to be text"],
    ["POST", "/v1/messages", { to: "user", body: "x", urgent: "yes" }, "/urgent has to be true or false"],
    ["POST", "/v1/messages", { to: "user", body: "x", maxAttempts: 0 }, "/maxAttempts has to be at least 1"],
    ["POST", "/v1/messages", { to: "user", body: "x", maxAttempts: 1.5 }, "/maxAttempts has to be a whole number"],
    ["POST", "/v1/messages", { to: "user", body: "x", payload: [] }, "/payload has to be an object"],
    ["POST", "/v1/messages", [], "the body has to be an object"],
    ["POST", "/v1/messages", "{", "The body is not JSON: check its quotes, commas and brackets."],
    ["POST", "/v1/messages", "", "The body is not JSON: it is empty."],
    ["PUT", "/v1/agents/ann", { name: "" }, "/name has to have at least 1 character"],
    ["PUT", "/v1/agents/ann", { name: "Ann", tags: "build" }, "/tags has to be a list"],
    ["PUT", "/v1/agents/ann", { name: "Ann", reach: "never" }, "/reach has to be mid-turn, idle or asked"],
    ["POST", "/v1/tokens", { role: "king" }, "/role has to be"],
    [
      "POST",
      "/v1/webhooks",
      { url: "http://10.0.0.7/hook", events: ["message.created"] },
      "/url: 10.0.0.7 is a private address. Add it to SIGNALBOX_EGRESS_PRIVATE to allow it",
    ],
    [
      "POST",
      "/v1/webhooks",
      { url: "ftp://example.com", events: ["message.created"] },
      "/url: has to begin with http:// or https://",
    ],
  ])("a refusal says the rule: %s %s %j", async (method, path, body, said) => {
    const { ask } = await startRelay();
    const { status, body: problem } = await ask(method, path, body);
    expect([400, 404, 422]).toContain(status);
    expect(problem.detail).toContain(said);
    expect(JSON.stringify(problem)).not.toMatch(RAW);
  });

  test("a refusal says the rule of the branch that was meant, where there are several", async () => {
    const { ask } = await startRelay();
    const { body } = await ask("POST", "/v1/messages", { to: "user", body: "x", replyTo: "seven", nonsense: 1 });
    expect(body.errors).toContainEqual({ pointer: "/replyTo", message: "has to be a number" });
    expect(body.errors).toContainEqual({ pointer: "/nonsense", message: "is not known here" });
  });
});
