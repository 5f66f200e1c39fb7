import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { startCrew } from "../../support/runs.ts";
import { openSocket } from "../../support/socket.ts";

const NOON = "2026-03-01T12:00:00Z";

/** Work, a run, a delegation and a job of bob's, and eve, who has a token of her own. */
async function start() {
  const crew = await startCrew();
  const { ask, ada, bob, cid: eve } = crew;
  const { body: work } = await ask("POST", "/v1/messages", { to: "bob", body: "do", claimable: true }, ada);
  const { token } = (await ask("POST", `/v1/messages/${work.id}/claim`, {}, bob)).body.claim;
  const job = { id: "nightly", name: "Nightly", schedule: "0 3 * * *", enabled: true };
  await ask("PUT", "/v1/agents/bob/jobs", { items: [job] }, bob);
  const run = await crew.run(bob, { task: "Count" });
  const { body: delegation } = await ask("POST", "/v1/delegations", { to: "bob", text: "How many?" }, ada);
  return { ...crew, eve, work, token, job, run, delegation };
}

describe("G10: what is another agent's", () => {
  test("G10: no frame over an agent's own socket ends, renews, gives back or acknowledges what another holds, by a known token neither", async () => {
    const crew = await start();
    const { ask, bob, eve, work, token } = crew;
    const before = (await ask("GET", "/v1/agents/bob/inbox", undefined, bob)).body.cursor;
    const socket = await openSocket(`${listen(crew)}/v1/agents/${eve.id}/socket`, eve);
    await socket.first("hello");
    const verbs = [
      ["complete", { result: { body: "forged" } }],
      ["complete", {}],
      ["fail", { error: "forged", final: true }],
      ["release", {}],
      ["renew", { leaseSeconds: 1, progress: "forged" }],
    ] as const;
    for (const [type, more] of verbs)
      for (const by of [token, `${token}x`, "1"]) {
        const { problem } = await socket.ask({ type, messageId: work.id, token: by, ...more });
        expect([type, by === token, [403, 409, 422].includes(problem?.status)]).toEqual([type, by === token, true]);
      }
    for (const frame of [
      { type: "ack", upTo: work.id, agentId: "bob" },
      { type: "heartbeat", agentId: "bob", ready: false },
      { type: "claim", messageId: work.id, agentId: "bob" },
      { type: "send", message: { from: "bob", to: "ada", body: "forged" } },
    ])
      expect([frame.type, (await socket.ask(frame)).type]).toEqual([frame.type, "problem"]);
    await socket.ask({ type: "ack", upTo: work.id });
    expect((await openSocket(`${listen(crew)}/v1/agents/bob/socket`, eve).then((one) => one.closed)).code).toBe(4001);
    const held = (await ask("GET", "/v1/agents/bob/claims", undefined, bob)).body.items;
    expect(held.map(({ message }: { message: { id: number } }) => message.id)).toEqual([work.id]);
    expect((await ask("GET", "/v1/agents/bob/inbox", undefined, bob)).body.cursor).toBe(before);
    expect(JSON.stringify(await crew.inbox(crew.ada))).not.toContain("forged");
  });

  test("G10: nobody writes another's cursor, jobs, models, runs, answers or approvals, whatever the body says", async () => {
    const { ask, ada, bob, eve, work, token, job, run, delegation, does, see } = await start();
    const forged = { source: "s", seq: 0, stream: "assistant", data: { text: "forged" } };
    const turn = { ...eve, headers: { "signalbox-run": run.token } };
    const tries: [string, string, unknown, object?][] = [
      ["POST", "/v1/agents/bob/inbox/ack", { upTo: work.id }],
      ["POST", `/v1/messages/${work.id}/read`, { agentId: "bob" }],
      ["POST", `/v1/messages/${work.id}/complete`, { token, result: { body: "forged" } }],
      ["POST", `/v1/messages/${work.id}/fail`, { token, error: "forged" }],
      ["POST", `/v1/messages/${work.id}/cancel`, {}],
      ["PUT", "/v1/agents/bob/jobs", { items: [] }],
      ["POST", "/v1/agents/bob/jobs/nightly/runs", { id: "r", status: "ok", output: "forged", startedAt: NOON }],
      ["POST", "/v1/agents/bob/jobs/nightly/run", {}],
      ["PUT", "/v1/agents/bob/models", { items: [] }],
      ["POST", "/v1/agents/bob/heartbeat", { ready: false }],
      ["PATCH", "/v1/agents/bob", { description: "forged" }],
      ["POST", `/v1/runs/${run.id}/events`, [forged], turn],
      ["POST", `/v1/runs/${run.id}/renew`, {}, turn],
      ["POST", `/v1/runs/${run.id}/finish`, { outcome: "ok", result: "forged" }, turn],
      ["POST", `/v1/runs/${run.id}/start`, {}, turn],
      ["POST", `/v1/runs/${run.id}/abort`, {}],
      ["POST", `/v1/runs/${run.id}/messages`, { id: "answer:1", text: "forged" }],
      ["POST", `/v1/delegations/${delegation.id}/response`, { text: "forged" }],
      ["POST", `/v1/delegations/${delegation.id}/progress`, { text: "forged", question: true }],
      ["POST", `/v1/delegations/${delegation.id}/cancel`, {}],
    ];
    for (const [method, path, body, how = eve] of tries)
      expect([path, [403, 404].includes((await ask(method, path, body, how)).status)]).toEqual([path, true]);
    // The right agent, without the right turn.
    const other = await ask("POST", "/v1/runs", { task: "Other", sessionKey: "other" }, bob);
    for (const wrong of [undefined, "rnt_0", other.body.token, `${run.token}0`]) {
      const { status, body } = await does(bob, run, "events", [forged], wrong);
      expect([wrong === undefined, status, body.code]).toEqual([wrong === undefined, 409, "claim-lost"]);
    }
    // An answer to itself that is none.
    for (const id of [`answer:${work.id}`, `answer:${delegation.messageId}`, "answer:9999"])
      expect((await does(bob, run, "messages", { id, text: "forged" })).status).toBe(403);
    expect((await ask("GET", "/v1/agents/bob/jobs", undefined, bob)).body.items).toMatchObject([{ id: job.id }]);
    expect(await see(run)).toMatchObject({ status: "running", result: null });
    expect((await ask("GET", `/v1/delegations/${delegation.id}`, undefined, ada)).body.status).toBe("pending");
  });
});
