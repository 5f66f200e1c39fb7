import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { openSocket } from "../../support/socket.ts";
import { startCrew } from "../../support/work.ts";

describe("progress of held work", () => {
  test("progress of held work goes to its sender with the renewal of the lease, as a reply that is no answer", async () => {
    const crew = await startCrew();
    const id = await crew.open();
    const held = await crew.take(crew.ann, { leaseSeconds: 100 });
    await crew.pass(60_000);
    const renewed = await crew.end("renew", crew.ann, held, { leaseSeconds: 200, progress: "half way" });
    expect(renewed).toMatchObject({ status: 200, body: { message: { state: "claimed" } } });
    expect(Date.parse(renewed.body.claim.expiresAt)).toBe(crew.clock.now() + 200_000);
    expect(await crew.inbox(crew.boss, id)).toMatchObject([
      {
        ...{ from: "ann", to: "boss", kind: "control", body: "half way", replyTo: id, threadId: id },
        ...{ subject: `Progress of work ${id}`, payload: { messageId: id, progress: true }, via: null },
      },
    ]);
    expect((await crew.end("complete", crew.ann, held)).body.message.state).toBe("done");
  });

  test("progress of held work is said once when the renewal is sent again, and again once something else was said", async () => {
    const crew = await startCrew();
    const id = await crew.open();
    const held = await crew.take(crew.ann);
    const say = (progress: unknown) => crew.end("renew", crew.ann, held, { progress });
    for (const text of ["testing", "testing", { body: "testing" }, "building", "testing", "testing"])
      expect((await say(text)).status).toBe(200);
    expect((await say({ body: "testing", encoding: "opaque" })).status).toBe(200);
    const bodies = (await crew.inbox(crew.boss, id)).map(({ body, encoding }) => `${body} ${encoding}`);
    expect(bodies).toEqual(["testing plain", "building plain", "testing plain", "testing opaque"]);
  });

  test("progress of held work of the next holder is its own, and the one before says nothing more", async () => {
    const crew = await startCrew();
    const id = await crew.open();
    const first = await crew.take(crew.ann, { leaseSeconds: 10 });
    await crew.end("renew", crew.ann, first, { progress: "begun" });
    await crew.pass(11_000);
    const second = await crew.take(crew.ben);
    expect((await crew.end("renew", crew.ann, first, { progress: "still here" })).body.code).toBe("claim-lost");
    await crew.end("renew", crew.ben, second, { progress: "begun" });
    await crew.end("release", crew.ben, second);
    await crew.pass(1);
    const third = await crew.take(crew.ben);
    await crew.end("renew", crew.ben, third, { progress: "begun" });
    expect((await crew.inbox(crew.boss, id)).map(({ from }) => from)).toEqual(["ann", "ben", "ben"]);
  });

  test("progress of held work is refused where it says nothing, and renews nothing then", async () => {
    const crew = await startCrew();
    await crew.open();
    const held = await crew.take(crew.ann);
    for (const progress of ["", " \n", { body: "" }, {}, 7, ["x"], { body: "x", kind: "chat" }, { text: "x" }]) {
      const refused = await crew.end("renew", crew.ann, held, { progress });
      expect(refused.status).toBe(422);
      expect(refused.body.errors[0].pointer).toMatch(/^\/progress/);
    }
    expect((await crew.end("renew", crew.ann, held)).status).toBe(200);
  });

  test("progress of held work of a group's delegation is the delegation's", async () => {
    const crew = await startCrew();
    const asked = await crew.ask("POST", "/v1/delegations", { to: "tag:crew", text: "count" }, crew.boss);
    const held = await crew.take(crew.ann);
    expect((await crew.end("renew", crew.ann, held, { progress: "half way" })).status).toBe(200);
    expect(await crew.inbox(crew.boss, held.message.id)).toMatchObject([
      { subject: `Progress of ${asked.body.id}`, payload: { delegationId: asked.body.id, progress: true } },
    ]);
    const { body } = await crew.ask("GET", `/v1/delegations/${asked.body.id}`, undefined, crew.boss);
    expect(body.status).toBe("claimed");
  });

  test("progress of held work of a task goes to whoever made it, and by an operator in the holder's name", async () => {
    const crew = await startCrew();
    const made = await crew.ask("POST", "/v1/tasks", { title: "disk full", target: "tag:crew" }, crew.boss);
    const { id, messageId } = made.body;
    await crew.ask("POST", `/v1/tasks/${id}/claim`, {}, crew.ann);
    const said = await crew.ask("POST", `/v1/tasks/${id}/renew`, { progress: "freed 2 GB" }, crew.ann);
    expect(said.status).toBe(200);
    const token = said.body.claim.token;
    const forAnn = await crew.ask("POST", `/v1/messages/${messageId}/renew`, { token, progress: "freed 4 GB" });
    expect(forAnn.status).toBe(200);
    expect(await crew.inbox(crew.boss, messageId)).toMatchObject([
      { from: "ann", body: "freed 2 GB", via: null },
      { from: "ann", body: "freed 4 GB", via: expect.stringMatching(/^tok_/) },
    ]);
  });

  test("progress of held work comes over a socket, too", async () => {
    const crew = await startCrew();
    const id = await crew.open();
    const held = await crew.take(crew.ann);
    const ann = await openSocket(`${listen(crew)}/v1/agents/ann/socket`, crew.ann);
    const renew = { type: "renew", messageId: id, token: held.claim.token, progress: "half way" };
    expect(await ann.ask(renew)).toMatchObject({ type: "ok", result: { message: { id, state: "claimed" } } });
    expect(await crew.inbox(crew.boss, id)).toMatchObject([{ body: "half way" }]);
  });

  test("progress of held work renews the lease all the same when the sender was deleted", async () => {
    const crew = await startCrew();
    const zoe = await crew.agent("zoe");
    await crew.ask("POST", "/v1/messages", { to: "tag:crew", body: "work", claimable: true }, zoe);
    const held = await crew.take(crew.ann);
    await crew.ask("DELETE", "/v1/agents/zoe");
    expect((await crew.end("renew", crew.ann, held, { progress: "half way" })).status).toBe(200);
  });
});
