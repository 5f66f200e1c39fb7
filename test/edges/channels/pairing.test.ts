import { describe, expect, test } from "bun:test";
import { type Claimed, startChannel, TELEGRAM } from "../../support/channel.ts";

const HOUR = 3_600_000;
const CODE = /\b[2-9A-HJKMNP-TV-Z]{8}\b/;

/** A listed channel whose default is agent `a`. `posts`: what the adapter is to post now, each completed at once. */
async function world() {
  const made = await startChannel({ listed: true });
  await made.agent("a");
  await made.bind({ target: "a" });
  const { ask, event, claim, adapter } = made;
  return {
    ...made,
    from: (id: string, more: object = {}) =>
      event({ conversationId: id, private: true, sender: { id, name: `Name of ${id}` }, text: "Hello?", ...more }),
    async posts(): Promise<Claimed["message"][]> {
      const items: Claimed[] = await claim(50);
      for (const { message, claim: held } of items)
        await ask("POST", `/v1/messages/${message.id}/complete`, { token: held.token }, adapter);
      return items.map(({ message }) => message);
    },
    waiting: async () => (await ask("GET", "/v1/approvals?state=pending&limit=100")).body.items,
    answer: (approval: { id: string; hash: string }, option: string, token = {}) =>
      ask("POST", `/v1/approvals/${approval.id}/answer`, { option, hash: approval.hash }, token),
  };
}

describe("pairing", () => {
  test("G14: a stranger in a private chat is told a code, an approval shows the same, and allowing it lets in that account there", async () => {
    const { from, posts, waiting, answer, ask, event } = await world();
    expect((await from("7")).body.routed).toBe(0);
    const [post] = await posts();
    const [code] = CODE.exec(post.payload.text) ?? [];
    const [approval] = await waiting();
    expect(post.payload.conversation.conversationId).toBe("7");
    expect(approval).toMatchObject({
      kind: "access",
      agentId: TELEGRAM,
      subject: { type: "access", code, sender: "Name of 7, account 7" },
      conversation: null,
    });
    expect((await answer(approval, "allow")).body).toMatchObject({ state: "answered", applied: { ok: true } });
    expect((await posts())[0].payload.text).toContain("You are let in");
    expect((await from("7")).body.routed).toBe(1);
    expect((await event({ conversationId: "group", sender: { id: "7", name: "x" } })).body.routed).toBe(0);
    const { items } = (await ask("GET", `/v1/channels/${TELEGRAM}/guests`)).body;
    expect(items).toMatchObject([{ conversationId: "7", senderId: "7", approves: false, origin: "paired" }]);
  });

  test("G14: no code lets anybody in: neither its own, nor another's, nor a guess, nor an approval that was denied", async () => {
    const { from, posts, waiting, answer } = await world();
    await from("7");
    const [post] = await posts();
    const [code = ""] = CODE.exec(post.payload.text) ?? [];
    for (const text of [code, code.toLowerCase(), "AAAAAAAA", `/pair ${code}`, `/approve ${code}`]) {
      expect((await from("7", { text })).body.routed).toBe(0);
      expect((await from("8", { text })).body.routed).toBe(0);
    }
    const [mine] = (await waiting()).filter(({ subject }: { subject: { code: string } }) => subject.code === code);
    await answer(mine, "deny");
    expect((await from("7")).body.routed).toBe(0);
  });

  test("a code is told once a day to each sender, and good for an hour", async () => {
    const { from, posts, waiting, answer, pass } = await world();
    await from("7");
    await from("7", { text: "Again" });
    expect(await posts()).toHaveLength(1);
    const [approval] = await waiting();
    await pass(HOUR + 1000);
    expect((await answer(approval, "allow")).body.code).toBe("not-open");
    expect((await from("7")).body.routed).toBe(0);
    expect([await posts(), await waiting()]).toEqual([[], []]);
    await pass(23 * HOUR);
    await from("7");
    expect([(await posts()).length, (await waiting()).length]).toEqual([1, 1]);
  });

  test("a code is told in no group, to no bot and for no press, and groups hear nothing", async () => {
    const { from, posts, waiting } = await world();
    await from("g", { private: false });
    await from("b", { sender: { id: "b", name: "B", isBot: true } });
    await from("p", { type: "button", text: undefined, button: { id: "yes" } });
    expect([await posts(), await waiting()]).toEqual([[], []]);
  });

  test("at most 20 approvals of access wait for a channel: whoever comes then is told nothing, and may try again", async () => {
    const { from, posts, waiting, answer } = await world();
    for (let n = 0; n < 22; n++) await from(`s${n}`);
    const open = await waiting();
    expect([open.length, (await posts()).length]).toEqual([20, 20]);
    await answer(open[0], "deny");
    await from("s21");
    expect([(await waiting()).length, (await posts()).length]).toEqual([20, 1]);
  });

  test("G14: an agent lets nobody in, and many approvals at once allow none of access", async () => {
    const { from, waiting, answer, agent, adapter, ask } = await world();
    await from("7");
    const [approval] = await waiting();
    const token = await agent("b");
    expect((await answer(approval, "allow", token)).status).toBe(403);
    expect((await answer(approval, "allow", adapter)).status).toBe(403);
    const bulk = await ask("POST", "/v1/approvals/answer", { ids: [approval.id], decision: "allow" });
    expect(bulk.body).toMatchObject({ answered: [], refused: [{ code: "conflict" }] });
    expect((await from("7")).body.routed).toBe(0);
  });

  test("a name that a stranger chose is one short line: it breaks no card and no list", async () => {
    const { from, waiting } = await world();
    await from("7", { sender: { id: "7", name: `Ada\n\u202eoperator: allow${"x".repeat(400)}` } });
    const [approval] = await waiting();
    expect(approval.subject.sender).toMatch(/^Ada operator: allowx{1,100}, account 7$/);
  });

  test("the approvals of a channel that is deleted are withdrawn", async () => {
    const { from, waiting, ask } = await world();
    await from("7");
    const [approval] = await waiting();
    await ask("DELETE", `/v1/agents/${TELEGRAM}`);
    expect((await ask("GET", `/v1/approvals/${approval.id}`)).body.state).toBe("withdrawn");
  });
});

describe("guests that approve", () => {
  test("G14: guests that approve answer by a button where it was posted; other guests, and strangers, do not, and no guest lets a stranger in", async () => {
    const { ask, bind, event, from, posts, waiting, agent } = await world();
    const builder = await agent("builder");
    await bind({ conversationId: "desk", target: "builder" });
    const chat = { channelId: TELEGRAM, conversationId: "desk" };
    await ask("PUT", "/v1/people/ida", { name: "Ida", role: "operator", notify: [chat] });
    await ask("POST", `/v1/channels/${TELEGRAM}/guests`, { senderId: "5", approves: true });
    const subject = { type: "command", line: "ls", cwd: "/" };
    const options = [
      { id: "yes", label: "Allow", decision: "allow" },
      { id: "no", label: "Deny", decision: "deny" },
    ];
    const said = { kind: "permission", title: "ls", subject, options, default: "no", expiresInSeconds: 3600 };
    const approval = (await ask("POST", "/v1/approvals", said, builder)).body;
    await from("7");
    const cards = [...(await posts()), ...(await posts())].filter(({ payload }) => payload.buttons);
    const press = (buttonId: string, sender: string, conversationId = "desk") =>
      event({
        type: "button",
        text: undefined,
        button: { id: buttonId },
        sender: { id: sender, name: "x" },
        conversationId,
      });
    const buttons = cards.map(({ payload }) => payload.buttons[0][0].id);
    expect(buttons).toHaveLength(2);
    for (const id of buttons) {
      await press(id, "6");
      await press(id, "5", "elsewhere");
    }
    expect(await waiting()).toHaveLength(2);
    for (const id of buttons) await press(id, "5");
    expect((await ask("GET", `/v1/approvals/${approval.id}`)).body).toMatchObject({
      state: "answered",
      answer: { via: "button", decision: "allow" },
    });
    expect(await waiting()).toMatchObject([{ kind: "access" }]);
  });
});
