import { describe, expect, test } from "bun:test";
import { WebAPIPlatformError } from "@slack/web-api";
import { slackFault } from "../src/adapters/slack-faults.ts";
import { incomingOf, type SlackReader } from "../src/adapters/slack-incoming.ts";
import { fromSlack, toSlack } from "../src/adapters/slack-text.ts";
import { startChat } from "./support/adapter.ts";
import { createFakeSlack } from "./support/slack.ts";
import { until } from "./support/until.ts";

const reader: SlackReader = {
  userId: "UBOT",
  botId: "BBOT",
  nameOf: async (id) => id.toLowerCase(),
  fetchFile: async () => new Blob(),
};
const event = (fields: object) =>
  incomingOf(
    "events_api",
    { type: "event_callback", event: { type: "message", channel: "C1", ts: "1.1", ...fields } },
    reader,
  );

describe("what a Slack event means", () => {
  test("a mention and the message it stands in are one", async () => {
    const [message] = await event({ user: "UADA", text: "<@UBOT> status?" });
    const [mention] = await event({ type: "app_mention", user: "UADA", text: "<@UBOT> status?" });
    expect(message).toMatchObject({ externalId: "C1:1.1", text: "status?", sender: { id: "UADA", name: "uada" } });
    expect(mention?.externalId).toBe(message?.externalId ?? "");
  });

  test("what we posted ourselves is nobody's, another app's message is its own", async () => {
    expect(await event({ user: "UBOT", text: "me" })).toEqual([]);
    expect(await event({ bot_id: "BBOT", subtype: "bot_message", text: "me" })).toEqual([]);
    const [alert] = await event({ bot_id: "BALERT", subtype: "bot_message", username: "Alerts", text: "down" });
    expect(alert?.sender).toEqual({ id: "BALERT", name: "Alerts" });
  });

  test("an edit is an event of its own; a link that Slack looked up is none", async () => {
    const before = { text: "worse" };
    const message = { ts: "1.1", user: "UADA", text: "better", edited: { user: "UADA", ts: "2.2" } };
    const changed = { subtype: "message_changed", ts: "3.3", message, previous_message: before };
    expect(await event(changed)).toMatchObject([{ externalId: "C1:1.1:edit:2.2", replyToExternalId: "C1:1.1" }]);
    expect(await event({ ...changed, previous_message: { text: "better" } })).toEqual([]);
  });

  test("the message that a thread hangs on is not in it", async () => {
    expect(await event({ user: "UADA", text: "root", thread_ts: "1.1" })).toMatchObject([{ threadId: undefined }]);
    expect(await event({ user: "UADA", text: "reply", thread_ts: "1.0" })).toMatchObject([{ threadId: "1.0" }]);
  });

  test("what we do not know is nobody's", async () => {
    expect(await event({ subtype: "channel_join", user: "UADA", text: "joined" })).toEqual([]);
    expect(await incomingOf("events_api", { event: { type: "reaction_added" } }, reader)).toEqual([]);
    expect(await incomingOf("interactive", { type: "view_submission" }, reader)).toEqual([]);
    for (const body of [null, 7, {}, { event: null }, { event: { type: "message", channel: 4 } }])
      expect(await incomingOf("events_api", body, reader)).toEqual([]);
  });
});

describe("slack", () => {
  test("says so when another relay uses the same app", async () => {
    const fake = createFakeSlack();
    const one = await startChat(() => fake);
    const first = one.run();
    await first.saw("ready");
    const other = await startChat(() => fake);
    const second = other.run();
    await second.saw("note");
    expect(second.events.find((event) => event.type === "note")).toMatchObject({
      text: expect.stringContaining("1 more"),
    });
    await Promise.all([first.stop(), second.stop()]);
    await until(() => fake.readers.now === 0);
  });
});

describe("Slack's own writing", () => {
  test("is undone in what comes in", () => {
    expect(fromSlack("a &lt;b&gt; &amp;amp; <https://x.example|here> <https://y.example>", "U")).toBe(
      "a <b> &amp; here (https://x.example) https://y.example",
    );
    expect(fromSlack("<@UBOT>: see <#C1|general>, <!here> and <@U2>", "UBOT")).toBe("see #general, @here and @U2");
  });

  test("is done to what goes out, so that nobody is called by accident", () => {
    expect(toSlack("<!channel> & <@U1>")).toBe("&lt;!channel&gt; &amp; &lt;@U1&gt;");
  });
});

describe("what Slack says no with", () => {
  const of = (error: string) => slackFault(new WebAPIPlatformError({ ok: false, error }));

  test("is kept apart: never, not now, nobody knows", () => {
    expect(of("is_archived")).toMatchObject({ failure: "permanent", code: "chat-not-found" });
    expect(of("msg_too_long")).toMatchObject({ failure: "permanent", code: "msg-too-long" });
    expect(of("invalid_auth")).toMatchObject({ failure: "permanent", code: "unauthorized" });
    expect(of("ratelimited")).toMatchObject({ failure: "transient", code: "rate-limited" });
    expect(of("fatal_error")).toMatchObject({ failure: "ambiguous" });
    expect(of("<html>Bad gateway</html>")).toMatchObject({ failure: "ambiguous" });
  });
});
