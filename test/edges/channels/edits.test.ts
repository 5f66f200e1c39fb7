import { expect, test } from "bun:test";
import { startChannel, TELEGRAM } from "../../support/channel.ts";

test("an edit names an earlier post of its sender to the same conversation, and its claim has the external ids", async () => {
  const world = await startChannel();
  const { ask, claim, adapter } = world;
  const [bob, eve] = [await world.agent("bob"), await world.agent("eve")];
  const conversation = { channelId: TELEGRAM, conversationId: "c1" };
  const send = (payload: object, by = bob) =>
    ask("POST", "/v1/messages", { to: TELEGRAM, body: "Up.", payload: { conversation, ...payload } }, by);
  const first = (await send({})).body;
  const [held] = await claim();
  const done = { token: held?.claim.token, externalIds: ["c1:5"] };
  await ask("POST", `/v1/messages/${first.id}/complete`, done, adapter);
  for (const [refused, by] of [
    [await send({ edit: { messageId: first.id } }, eve), "another sender"],
    [await send({ edit: { messageId: 999 } }), "no message"],
    [
      await send({ edit: { messageId: first.id }, conversation: { ...conversation, conversationId: "c2" } }),
      "elsewhere",
    ],
  ] as const)
    expect([by, refused.status, refused.body.errors[0].pointer]).toEqual([by, 422, "/payload/edit/messageId"]);
  expect((await send({ edit: { messageId: "x" } })).body.errors[0].pointer).toBe("/payload/edit/messageId");
  expect((await send({ edit: { messageId: first.id, text: "Up again." } })).status).toBe(201);
  const [item] = await claim();
  expect(item).toMatchObject({ edits: ["c1:5"], message: { payload: { edit: { text: "Up again." }, text: "Up." } } });
});
