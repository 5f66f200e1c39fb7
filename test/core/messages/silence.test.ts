import { describe, expect, test } from "bun:test";
import { startChannel, TELEGRAM } from "../../support/channel.ts";
import { startTeam } from "../../support/delegations.ts";

const WORDS = ["NO_REPLY", "ANNOUNCE_SKIP", "  NO_REPLY\n"];

describe("silence", () => {
  test("an agent that has nothing to say to a chat posts nothing, by a reply or by completing the event", async () => {
    const { ask, agent, bind, event, claim } = await startChannel();
    const a = await agent("a");
    await bind({ target: "a", mode: "claimable" });
    for (const word of WORDS) {
      const { id } = (await event()).body.messages[0];
      const replied = await ask("POST", "/v1/messages", { to: TELEGRAM, replyTo: id, body: word }, a);
      expect(replied).toMatchObject({ status: 201, body: { body: word, claimable: false } });
      const held = (await ask("POST", `/v1/messages/${id}/claim`, {}, a)).body;
      const done = await ask("POST", `/v1/messages/${id}/complete`, { token: held.claim.token, result: word }, a);
      expect(done.body.message.state).toBe("done");
    }
    expect(await claim()).toEqual([]);
    expect((await ask("GET", `/v1/agents/${TELEGRAM}/inbox?after=0`)).body.items).toEqual([]);
  });

  test("a text that only contains the word is posted", async () => {
    const { ask, adapter, agent, bind, event, claim } = await startChannel();
    const a = await agent("a");
    await bind({ target: "a" });
    const { id } = (await event()).body.messages[0];
    const said = ["NO_REPLY is the word for silence", "no_reply", "NO_REPLY."];
    for (const body of said) await ask("POST", "/v1/messages", { to: TELEGRAM, replyTo: id, body }, a);
    const posted: string[] = [];
    for (let [next] = await claim(1); next; [next] = await claim(1)) {
      posted.push(next.message.payload.text);
      await ask("POST", `/v1/messages/${next.message.id}/complete`, { token: next.claim.token }, adapter);
    }
    expect(posted).toEqual(said);
  });

  test("the word is a plain message where an answer is expected of nobody", async () => {
    const { ask, ada, bob, inbox } = await startTeam();
    const { body: first } = await ask("POST", "/v1/messages", { to: "bob", body: "hello" }, ada);
    await ask("POST", "/v1/messages", { to: "ada", replyTo: first.id, body: "NO_REPLY" }, bob);
    expect(await inbox(ada)).toMatchObject([{ body: "NO_REPLY", from: "bob" }]);
  });

  test("a delegation owes an answer: silence is refused by response, by reply and by completion, an error is not", async () => {
    const { ask, delegate, ada, bob, pat, on, reply, claim, end, look, responses } = await startTeam();
    const asked = await delegate(ada, "bob");
    for (const word of WORDS) {
      const refused = await on(asked, "response", bob, { text: word });
      expect(refused).toMatchObject({ status: 422, body: { code: "required-result" } });
      expect(refused.body.detail).toContain("owes an answer");
      expect(await reply(bob, asked, { body: word })).toMatchObject({ status: 422, body: { code: "required-result" } });
    }
    const pooled = await delegate(ada, "tag:pool");
    const held = await claim(pat);
    const done = await end("complete", pat, held, { result: "NO_REPLY" });
    expect(done).toMatchObject({ status: 422, body: { code: "required-result" } });
    expect(await look(pooled)).toMatchObject({ status: "claimed" });
    expect((await ask("GET", `/v1/messages/${pooled.messageId}`)).body.state).toBe("claimed");
    expect(await responses(ada)).toEqual([]);
    expect(await on(asked, "response", bob, { error: "There is nothing to say." })).toMatchObject({ status: 201 });
    expect(await responses(ada)).toHaveLength(1);
  });
});
