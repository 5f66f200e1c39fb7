import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";
import { recordStatements } from "../../support/statements.ts";

/** Statements of the commit itself, and of the quotas and deliveries that are saved once a second. */
const AROUND = /^(begin|commit|savepoint|release|rollback)/;

describe("statements of a send", () => {
  test("a plain send with a key to an agent takes at most six statements", async () => {
    const recorder = recordStatements();
    const { ask, agent } = await startRelay();
    const [alice, bob] = [await agent("alice"), await agent("bob")];
    let made = 0;
    const send = () =>
      ask("POST", "/v1/messages", { to: "bob", body: "x", payload: { a: 1 }, idempotencyKey: `k${++made}` }, alice);
    const statements = async () => (await recorder.during(send)).filter(({ sql }) => !AROUND.test(sql)).length;
    await send();
    expect(await statements()).toBeLessThanOrEqual(3);

    // A sender with mail of its own: the rule against loops looks into it.
    await ask("POST", "/v1/messages", { to: "alice", body: "x" }, bob);
    const { head } = (await ask("GET", "/v1/agents/alice/inbox", undefined, alice)).body;
    await ask("POST", "/v1/agents/alice/inbox/ack", { upTo: head }, alice);
    await send();
    expect(await statements()).toBeLessThanOrEqual(6);
  });
});
