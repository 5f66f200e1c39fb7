import { describe, expect, test } from "bun:test";
import { WebAPIPlatformError } from "@slack/web-api";
import { slackFault } from "../../src/adapters/slack/faults.ts";
import { incomingOf, type SlackReader } from "../../src/adapters/slack/incoming.ts";
import { fromSlack, toSlack } from "../../src/adapters/slack/text.ts";
import { startChat } from "../support/adapter.ts";
import { createFakeSlack } from "../support/slack.ts";
import { until } from "../support/until.ts";

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
    expect(alert?.sender).toEqual({ id: "BALERT", name: "Alerts", isBot: true });
    const [app] = await event({ user: "UCI", bot_id: "BCI", text: "built" });
    expect(app?.sender).toEqual({ id: "UCI", name: "uci", isBot: true });
  });

  test("an edit is an event of its own; a link that Slack looked up is none", async () => {
    const before = { text: "worse" };
    const message = { ts: "1.1", user: "UADA", text: "better", edited: { user: "UADA", ts: "2.2" } };
    const changed = { subtype: "message_changed", ts: "3.3", message, previous_message: before };
    expect(await event(changed)).toMatchObject([{ externalId: "C1:1.1:edit:2.2", replyToExternalId: "C1:1.1" }]);
    expect(await event({ ...changed, previous_message: { text: "better" } })).toEqual([]);
  });

  test("the message that a thread hangs on is not in it", async () => {
    expect(await event({ user: "UADA", text: "root", thread_ts: "1.1" })).toMatchObject([
      { threadId: undefined, opens: "1.1" },
    ]);
    expect(await event({ user: "UADA", text: "reply", thread_ts: "1.0" })).toMatchObject([{ threadId: "1.0" }]);
    expect((await event({ user: "UADA", text: "reply", thread_ts: "1.0" }))[0]).not.toHaveProperty("opens");
  });

  test("a conversation that gets another id has moved, and may move back", async () => {
    const moved = (from: string, to: string, at: string) =>
      event({ type: "channel_id_changed", old_channel_id: from, new_channel_id: to, event_ts: at });
    expect(await moved("G1", "C9", "5.5")).toMatchObject([
      { type: "moved", conversationId: "G1", movedTo: "C9", externalId: "moved:G1:C9:5.5" },
    ]);
    expect((await moved("G1", "C9", "6.6"))[0]?.externalId).toBe("moved:G1:C9:6.6");
    expect(await moved("G1", "G1", "7.7")).toEqual([]);
  });

  test("what we do not know is nobody's", async () => {
    expect(await event({ subtype: "channel_join", user: "UADA", text: "joined" })).toEqual([]);
    expect(await incomingOf("events_api", { event: { type: "reaction_added" } }, reader)).toEqual([]);
    expect(await incomingOf("interactive", { type: "view_submission" }, reader)).toEqual([]);
    for (const body of [null, 7, {}, { event: null }, { event: { type: "message", channel: 4 } }])
      expect(await incomingOf("events_api", body, reader)).toEqual([]);
  });
});

describe("content of a Slack message", () => {
  const text = async (fields: object) => (await event({ user: "UADA", ...fields }))[0]?.text;
  const plain = (words: string) => ({ type: "plain_text", text: words });
  const mrkdwn = (words: string) => ({ type: "mrkdwn", text: words });
  const rich = (...elements: object[]) => ({ type: "rich_text", elements });
  const section = (...elements: object[]) => ({ type: "rich_text_section", elements });

  test("content of a Slack message is its text, when the blocks say the same", async () => {
    const blocks = [
      rich(section({ type: "text", text: "Is it " }, { type: "text", text: "up?", style: { bold: true } })),
    ];
    expect(await text({ text: "Is it *up?*", blocks })).toBe("Is it *up?*");
    expect(await text({ text: "<@UBOT> status", blocks: [rich(section({ type: "user", user_id: "UBOT" }))] })).toBe(
      "status",
    );
  });

  test("content of a Slack message is what its blocks say, when they say more or all", async () => {
    const blocks = [
      { type: "header", text: plain("Deploy 42") },
      {
        type: "section",
        text: mrkdwn("*Failed* at <https://ci.example|step 3>"),
        fields: [mrkdwn("Branch"), mrkdwn("main")],
      },
      {
        type: "context",
        elements: [{ type: "image", image_url: "https://x.example/a.png", alt_text: "red" }, mrkdwn("by ci")],
      },
      { type: "divider" },
      { type: "actions", elements: [{ type: "button", text: plain("Log"), url: "https://ci.example/log" }] },
      { type: "image", image_url: "https://x.example/g.png", alt_text: "a graph", title: plain("Load") },
      { type: "input", label: plain("Why"), element: { type: "plain_text_input" } },
      { type: "video", title: plain("Demo"), video_url: "https://v.example/1", alt_text: "demo" },
    ];
    const shown = [
      ...[
        "Deploy 42",
        "*Failed* at step 3 (https://ci.example)",
        "Branch",
        "main",
        "[image: red, https://x.example/a.png]",
      ],
      ...["by ci", "[button: Log (https://ci.example/log)]", "[image: Load: a graph, https://x.example/g.png]", "Why"],
      "[video: Demo, https://v.example/1]",
    ].join("\n");
    expect(await text({ blocks })).toBe(shown);
    expect(await text({ text: "Deploy 42", blocks })).toBe(shown);
    expect(await text({ text: "Something else", blocks })).toBe(`Something else\n${shown}`);
  });

  test("content of a Slack message is every kind of writing in rich text", async () => {
    const list = { type: "rich_text_list", style: "bullet", elements: [section({ type: "text", text: "one" })] };
    const blocks = [
      rich(
        section(
          { type: "link", url: "https://a.example", text: "here" },
          { type: "text", text: " " },
          { type: "emoji", name: "wave", unicode: "1f44b" },
          { type: "emoji", name: "our_own" },
          { type: "broadcast", range: "here" },
        ),
        list,
        { type: "rich_text_quote", elements: [{ type: "text", text: "said" }] },
        { type: "rich_text_preformatted", elements: [{ type: "text", text: "code" }] },
      ),
      {
        type: "table",
        rows: [
          [
            { type: "raw_text", text: "a" },
            { type: "raw_number", value: 7 },
          ],
        ],
      },
      { type: "markdown", text: "# Title" },
      { type: "of_tomorrow", text: plain("still said") },
    ];
    expect(await text({ blocks })).toBe(
      "here (https://a.example) 👋:our_own:@here\n- one\n> said\ncode\na | 7\n# Title\nstill said",
    );
  });

  test("content of a Slack message is what its attachments say; a preview of an address that it names is Slack's own", async () => {
    const alert = {
      ...{ fallback: "down", pretext: "Alert", author_name: "Grafana", title: "DB", title_link: "https://g.example/1" },
      ...{ text: "is <https://db.example|down>", fields: [{ title: "Host", value: "db-1" }], footer: "prod" },
      ...{
        image_url: "https://g.example/i.png",
        actions: [{ type: "button", text: "Ack", url: "https://g.example/ack" }],
      },
    };
    const shown = [
      ...["Alert", "Grafana", "DB (https://g.example/1)", "is down (https://db.example)", "Host: db-1"],
      ...["[image: https://g.example/i.png]", "[button: Ack (https://g.example/ack)]", "prod"],
    ].join("\n");
    expect(await text({ subtype: "bot_message", bot_id: "B2", text: "", attachments: [alert] })).toBe(shown);
    expect(await text({ attachments: [{ fallback: "only this" }] })).toBe("only this");
    expect(
      await text({ attachments: [{ color: "good", blocks: [{ type: "section", text: mrkdwn("within") }] }] }),
    ).toBe("within");
    const preview = { from_url: "https://x.example/a", title: "A page", text: "about x" };
    expect(await text({ text: "see <https://x.example/a>", attachments: [preview] })).toBe("see https://x.example/a");
  });

  test("content of a Slack message is what was forwarded, with who wrote it and its files", async () => {
    const forwarded = {
      ...{
        is_share: true,
        is_msg_unfurl: true,
        from_url: "https://fake.slack.com/archives/C2/p1",
        author_name: "Grace",
      },
      ...{
        text: "the *cause*",
        footer: "Posted in #ops",
        files: [{ id: "F1", name: "trace.txt", mimetype: "text/plain" }],
      },
    };
    const [plainly] = await event({ user: "UADA", text: "", attachments: [forwarded] });
    expect(plainly).toMatchObject({ forwardedFrom: "Grace", text: "[forwarded from Grace]\nthe *cause*" });
    expect(plainly?.files?.map(({ name }) => name)).toEqual(["trace.txt"]);
    expect(await text({ text: "look", attachments: [forwarded] })).toBe("look\n[forwarded from Grace]\nthe *cause*");
    const message_blocks = [
      { team: "T1", channel: "C2", message: { blocks: [{ type: "section", text: mrkdwn("in blocks") }] } },
    ];
    const bare = { is_share: true, author_id: "U7", message_blocks };
    expect(await text({ attachments: [bare] })).toBe("[forwarded from U7]\nin blocks");
  });

  test("content of a Slack message is said, when it cannot be shown", async () => {
    expect(await text({ subtype: "huddle_thread", text: "" })).toBe(
      "[a message that cannot be shown here: huddle thread]",
    );
    const tomorrow = { type: "of_tomorrow", headline: "?" };
    expect(await text({ blocks: [tomorrow] })).toBe("[of tomorrow, which cannot be shown here]");
    expect(await text({ text: "x", blocks: [{ type: "section", text: mrkdwn("x") }, tomorrow] })).toBe(
      "x\n[of tomorrow, which cannot be shown here]",
    );
    expect(await text({ subtype: "of_tomorrow", text: "but worded" })).toBe("but worded");
    expect(await text({ text: "x", blocks: "garbage", attachments: [null, 7], files: "none" })).toBe("x");
    expect(await text({ text: "x", thread_ts: null, subtype: null, edited: null, username: null })).toBe("x");
    for (const odd of [{ username: 7 }, { edited: true }, { hidden: "no" }, { thread_ts: 1.5 }, { subtype: {} }])
      expect(await text({ text: "x", ...odd })).toBe("x");
    expect(await text({ text: { no: "text" } })).toBe("[a text that cannot be read]");
    const [one] = await event({ user: "UADA", text: "x", files: [7, { id: "F1", name: "a.txt" }, { name: "no id" }] });
    expect(one?.files?.map(({ name }) => name)).toEqual(["a.txt"]);
    expect(await text({ text: "" })).toBeUndefined();
    for (const subtype of ["channel_topic", "pinned_item", "message_deleted"])
      expect(await event({ subtype, user: "UADA", text: "about the channel" })).toEqual([]);
  });

  test("content of a Slack message is what an app's rich text says, when that is something else than its text", async () => {
    const rich = [
      {
        type: "rich_text",
        elements: [{ type: "rich_text_section", elements: [{ type: "text", text: "db-1 is full" }] }],
      },
    ];
    expect(await text({ bot_id: "B2", text: "An alert", blocks: rich })).toBe("An alert\ndb-1 is full");
    expect(await text({ bot_id: "B2", text: "*db-1* is full", blocks: rich })).toBe("*db-1* is full");
  });

  test("content of a Slack message is what menus, fields and buttons show, and what is chosen in them", async () => {
    const plain = (words: string) => ({ type: "plain_text", text: words });
    const option = (words: string, more = {}) => ({ text: plain(words), value: "v", ...more });
    const elements = [
      { type: "static_select", placeholder: plain("Severity"), options: [option("low"), option("high")] },
      {
        type: "static_select",
        option_groups: [{ label: plain("EU"), options: [option("Berlin", { description: plain("the office") })] }],
        initial_option: option("Berlin"),
      },
      { type: "overflow", options: [option("Logs", { url: "https://logs.example" })] },
      { type: "datepicker", initial_date: "2026-03-01" },
      { type: "users_select", placeholder: plain("On call"), initial_users: ["U7", "U8"] },
    ];
    const feedback = { type: "feedback_buttons", positive_button: option("Good"), negative_button: option("Bad") };
    const input = {
      ...{ type: "input", label: plain("Why?"), element: { type: "plain_text_input", placeholder: plain("In short") } },
    };
    const blocks = [{ type: "actions", elements }, { type: "context_actions", elements: [feedback] }, input];
    expect(await text({ blocks: [...blocks, { type: "divider" }, { type: "actions", elements: [] }] })).toBe(
      [
        ...["[Severity: low / high]", "[EU / Berlin: the office; chosen: Berlin]", "[Logs (https://logs.example)]"],
        ...["[chosen: 2026-03-01]", "[On call: chosen: U7, U8]"],
        ...["[button: Good]\n[button: Bad]", "Why?\n[In short]"],
      ].join("\n"),
    );
  });

  test("content of a Slack message is what was forwarded of an app: its blocks and attachments beside its text", async () => {
    const within = [{ message: { blocks: [{ type: "section", text: mrkdwn("disk is full") }] } }];
    const forwarded = { is_share: true, author_name: "CI", text: "An alert", message_blocks: within };
    const attachments = [{ ...forwarded, attachments: [{ title: "db-1", text: "99 %" }] }];
    expect(await text({ attachments })).toBe("[forwarded from CI]\nAn alert\ndisk is full\ndb-1\n99 %");
  });

  test("content of a Slack message is told again when an app changes it without saying when", async () => {
    const message = { ts: "1.1", bot_id: "BCI", text: "done" };
    const changed = { subtype: "message_changed", hidden: true, ts: "3.3", message };
    const [edit] = await event({ ...changed, previous_message: { ...message, text: "running" } });
    expect(edit).toMatchObject({ externalId: "C1:1.1:edit:3.3", text: "done" });
    const gone = { ...message, subtype: "tombstone", text: "This message was deleted." };
    expect(await event({ ...changed, message: gone, previous_message: message })).toEqual([]);
  });

  test("content of a Slack message is told again when an edit changes blocks or attachments", async () => {
    const section = (words: string) => [{ type: "section", text: mrkdwn(words) }];
    const message = {
      ts: "1.1",
      bot_id: "BCI",
      text: "Build",
      blocks: section("done"),
      edited: { user: "U", ts: "2.2" },
    };
    const changed = { subtype: "message_changed", hidden: true, ts: "3.3", message };
    const [edit] = await event({ ...changed, previous_message: { text: "Build", blocks: section("running") } });
    expect(edit).toMatchObject({ externalId: "C1:1.1:edit:2.2", text: "Build\ndone" });
    expect(await event({ ...changed, previous_message: { ...message, reply_count: 1 } })).toEqual([]);
  });
});

describe("slack", () => {
  const at = { channel: "C1", user: "UADA", ts: "1700000000.000001", text: "<@UBOT> read this" };
  const bytes = new TextEncoder().encode("the file");
  const start = async () => {
    const fake = createFakeSlack();
    const world = await startChat(() => fake);
    const running = world.run();
    await running.saw("ready");
    return { fake, world, running, file: fake.keepFile({ name: "plan.txt", type: "text/plain", bytes }) };
  };

  test("a mention that comes before its message does not cost the file, whichever comes first and however often", async () => {
    const { fake, world, running, file } = await start();
    const mention = { ...at, type: "app_mention" };
    const message = { ...at, type: "message", subtype: "file_share", files: [file] };
    for (const event of [mention, message, mention, message]) fake.event(event);
    await running.saw("received", 6);
    const later = { ts: "1700000000.000002" };
    for (const event of [
      { ...message, ...later },
      { ...mention, ...later },
    ])
      fake.event(event);
    await running.saw("received", 8);
    const mail = await world.inbox();
    expect(
      mail.map(({ body, payload }: { body: string; payload: { attachments?: unknown[] } }) => [
        body,
        payload.attachments?.length,
      ]),
    ).toEqual([
      ["read this", undefined],
      ["", 1],
      ["read this", 1],
    ]);
    expect(mail[1].replyTo).toBe(mail[0].id);
    expect(await world.download(mail[1].payload.attachments[0].fileId)).toEqual(bytes);
  });

  test("a mention that an edit brings in is that edit, told by either", async () => {
    const { fake, world, running } = await start();
    const before = { ...at, type: "message", text: "read this" };
    const edited = { ...at, edited: { user: "UADA", ts: "1700000000.000009" } };
    fake.event(before);
    fake.event({ ...edited, type: "app_mention" });
    fake.event({
      type: "message",
      subtype: "message_changed",
      channel: "C1",
      ts: "1700000000.000010",
      message: edited,
      previous_message: before,
    });
    fake.event({ ...at, ts: "1700000000.000011", type: "message", text: "last" });
    await running.saw("received", 3);
    await until(async () => (await world.inbox()).at(-1)?.body === "last");
    expect((await world.inbox()).map(({ body }: { body: string }) => body)).toEqual(["read this", "read this", "last"]);
  });

  test("a file of Slack Connect is looked up by its id; one that cannot be had is said", async () => {
    const { fake, world, running, file } = await start();
    const files = [file.id, "FLOST"].map((id) => ({ id, mode: "file_access", file_access: "check_file_info" }));
    fake.event({ ...at, type: "message", subtype: "file_share", files });
    await running.saw("received");
    const [mail] = await world.inbox();
    expect(mail.payload.attachments).toMatchObject([{ name: "plan.txt", type: "text/plain", size: bytes.length }]);
    expect(mail.body).toBe("read this\n[FLOST: Slack says: file_not_found]");
  });

  test("Slack says so when another relay uses the same app", async () => {
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
  test("Slack's own writing is undone in what comes in", () => {
    expect(fromSlack("a &lt;b&gt; &amp;amp; <https://x.example|here> <https://y.example>", "U")).toBe(
      "a <b> &amp; here (https://x.example) https://y.example",
    );
    expect(fromSlack("<@UBOT>: see <#C1|general>, <!here> and <@U2>", "UBOT")).toBe("see #general, @here and @U2");
  });

  test("Slack's own writing is done to what goes out, so that nobody is called by accident", () => {
    expect(toSlack("<!channel> & <@U1>")).toBe("&lt;!channel&gt; &amp; &lt;@U1&gt;");
  });
});

describe("what Slack says no with", () => {
  const of = (error: string) => slackFault(new WebAPIPlatformError({ ok: false, error }));

  test("refusals by Slack are kept apart: never, not now, nobody knows", () => {
    expect(of("is_archived")).toMatchObject({ failure: "permanent", code: "chat-not-found" });
    expect(of("msg_too_long")).toMatchObject({ failure: "permanent", code: "msg-too-long" });
    expect(of("invalid_auth")).toMatchObject({ failure: "permanent", code: "unauthorized" });
    expect(of("ratelimited")).toMatchObject({ failure: "transient", code: "rate-limited" });
    expect(of("fatal_error")).toMatchObject({ failure: "ambiguous" });
    expect(of("<html>Bad gateway</html>")).toMatchObject({ failure: "ambiguous" });
  });
});
