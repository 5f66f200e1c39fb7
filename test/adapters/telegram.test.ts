import { describe, expect, test } from "bun:test";
import type { Update } from "grammy/types";
import { externalIdOf, incomingOf } from "../../src/adapters/telegram/incoming.ts";
import { startChat } from "../support/adapter.ts";
import { createFakeTelegram } from "../support/telegram.ts";
import { until } from "../support/until.ts";

const CHAT = "-100200";
const reader = { username: "fake_bot", id: 4711, fetchFile: async () => new Blob() };
const base = {
  message_id: 5,
  date: 1,
  chat: { id: -100200, type: "supergroup", title: "A group" },
  from: { id: 9, is_bot: false, first_name: "Ada" },
};
const read = (update: object) => incomingOf({ update_id: 1, ...update } as Update, reader);

describe("what a Telegram update means", () => {
  test("an edit is an event of its own that answers what was edited", () => {
    const incoming = read({ edited_message: { ...base, text: "better", edit_date: 77 } });
    expect(incoming).toMatchObject({ externalId: "-100200:5:edit:77", replyToExternalId: "-100200:5", text: "better" });
  });

  test("a photo comes in its largest size, with its caption", () => {
    const photo = [
      { file_id: "s", file_unique_id: "us" },
      { file_id: "l", file_unique_id: "ul" },
    ];
    const incoming = read({ message: { ...base, photo, caption: "look" } });
    expect(incoming).toMatchObject({ type: "text", text: "look", files: [{ name: "ul.jpg", type: "image/jpeg" }] });
  });

  test("an address behind a word is shown, and what is no text is told in words", () => {
    const text = "🧑‍🚀 see this and that";
    const link = (word: string, url: string) => ({
      type: "text_link",
      offset: text.indexOf(word),
      length: word.length,
      url,
    });
    const entities = [link("this", "https://a.example/"), link("that", "https://b.example/")];
    const incoming = read({ message: { ...base, text, entities } });
    expect(incoming?.text).toBe("🧑‍🚀 see this (https://a.example/) and that (https://b.example/)");
    const place = read({ message: { ...base, location: { latitude: 52.5, longitude: 13.4 } } });
    expect(place?.text).toBe("[location: 52.5, 13.4]");
  });

  test("a command with our name is ours, with another's it is nobody's", () => {
    const command = (text: string, length: number) =>
      read({ message: { ...base, text, entities: [{ type: "bot_command", offset: 0, length }] } });
    expect(command("/status@Fake_Bot prod", 16)).toMatchObject({ type: "command", text: "/status prod" });
    expect(command("/status@other_bot", 17)).toBeUndefined();
    const entities = [
      { type: "bot_command", offset: 0, length: 12 },
      { type: "text_link", offset: 13, length: 4, url: "https://a.example" },
    ];
    expect(read({ message: { ...base, text: "/go@fake_bot this now", entities } })?.text).toBe(
      "/go this (https://a.example) now",
    );
  });

  test("only a topic is a thread, and its first message is not answered by all others", () => {
    const reply = { ...base, message_id: 3, text: "before" };
    const chain = read({ message: { ...base, text: "x", message_thread_id: 3, reply_to_message: reply } });
    expect(chain).toMatchObject({ threadId: undefined, replyToExternalId: "-100200:3" });
    const opening = { ...reply, forum_topic_created: { name: "Ops" } };
    const topic = { ...base, text: "x", is_topic_message: true, message_thread_id: 3, reply_to_message: opening };
    expect(read({ message: topic })).toMatchObject({ threadId: "3", replyToExternalId: undefined });
  });

  test("a channel's post is the channel's, and what says nothing is nobody's", () => {
    const post = { ...base, from: undefined, chat: { id: -1, type: "channel", title: "News" }, text: "hello" };
    expect(read({ channel_post: post })).toMatchObject({ sender: { id: "-1", name: "News" } });
    expect(read({ message: { ...base, new_chat_members: [] } })).toBeUndefined();
    expect(read({ my_chat_member: {} })).toBeUndefined();
  });

  test("a group that becomes a supergroup says so in both, and that is one event", () => {
    const told = read({ message: { ...base, chat: { id: -77, type: "group" }, migrate_to_chat_id: -10077 } });
    const again = read({ message: { ...base, chat: { id: -10077, type: "supergroup" }, migrate_from_chat_id: -77 } });
    for (const incoming of [told, again])
      expect(incoming).toMatchObject({
        type: "moved",
        conversationId: "-77",
        movedTo: "-10077",
        externalId: "moved:-77:-10077",
      });
  });

  test("a message that Telegram no longer shows can still have its button pressed", () => {
    const message = { chat: base.chat, message_id: 8, date: 0 };
    const incoming = read({ callback_query: { id: "q", from: base.from, message, data: "yes", chat_instance: "1" } });
    expect(incoming).toMatchObject({ type: "button", conversationId: CHAT, replyToExternalId: externalIdOf(CHAT, 8) });
  });
});

describe("topics of a Telegram group", () => {
  test("a message outside of topics says so, one in a topic and one in a private chat do not", () => {
    const forum = { ...base.chat, is_forum: true };
    expect(read({ message: { ...base, chat: forum, text: "x" } })).toMatchObject({ inForum: true });
    const inside = { ...base, chat: forum, text: "x", message_thread_id: 7, is_topic_message: true };
    expect(read({ message: inside })).not.toHaveProperty("inForum");
    const direct = read({ message: { ...base, chat: { id: 9, type: "private", first_name: "Ada" }, text: "x" } });
    expect(direct).toMatchObject({ private: true });
    expect(read({ message: { ...base, text: "x" } })).not.toHaveProperty("private");
  });

  test("a topic is made for a session, and what began it is answered there", async () => {
    const telegram = createFakeTelegram();
    const world = await startChat(() => telegram);
    const binding = { target: "helper", conversationId: CHAT, topics: "per-session" };
    await world.relay.ask("PUT", `/v1/channels/${world.channelId}/bindings`, binding);
    world.run();
    telegram.update({ message: { ...base, chat: { ...base.chat, is_forum: true }, text: "Fix the login" } });
    await until(async () => (await world.inbox()).length === 1);
    const [asked] = await world.inbox();
    expect(telegram.topics).toEqual([`${CHAT}: Fix the login`]);
    expect(asked.payload.conversation.threadId).toBe("7001");
    await world.send({ body: "Fixed", replyTo: asked.id });
    await until(() => telegram.posted.length === 1);
    expect(telegram.posted).toMatchObject([{ conversation: CHAT, thread: "7001", text: "Fixed" }]);
  });
});

describe("content of a Telegram message", () => {
  const file = (id: string) => ({ file_id: id, file_unique_id: `u${id}` });
  const said = (fields: object) => read({ message: { ...base, ...fields } });
  const task = (id: number, text: string, completion_date?: number) => ({ id, text, completion_date });
  const checklist = { title: "Release", tasks: [task(1, "Tag", 1_700_000_000), task(2, "Publish")] };
  const spot = { latitude: 52.5, longitude: 13.4 };
  const ada = { id: 9, is_bot: false, first_name: "Ada", last_name: "L" };
  const option = (text: string) => ({ persistent_id: text, text, voter_count: 0 });
  const price = { currency: "EUR", total_amount: 145, invoice_payload: "x" };

  for (const [fields, text] of [
    [{ dice: { emoji: "🎲", value: 4 } }, "[🎲 4]"],
    [
      { venue: { location: spot, title: "Café", address: "Road 1" }, location: spot },
      "[venue: Café, Road 1 (52.5, 13.4)]",
    ],
    [{ contact: { phone_number: "+49", first_name: "Bo" } }, "[contact: Bo +49]"],
    [
      { poll: { question: "Lunch?", options: [option("yes"), option("no")], description: "Today" } },
      "[poll: Lunch? yes / no]\nToday",
    ],
    [{ checklist }, "[checklist: Release]\n[x] Tag\n[ ] Publish"],
    [
      {
        checklist_tasks_done: {
          checklist_message: { checklist },
          marked_as_done_task_ids: [2],
          marked_as_not_done_task_ids: [7],
        },
      },
      "[done: Publish]\n[not done: task 7]",
    ],
    [{ checklist_tasks_added: { tasks: [task(3, "Tell")] } }, "[added to the checklist: Tell]"],
    [
      { story: { chat: { id: 3, type: "private", first_name: "Grace" }, id: 1 } },
      "[story of Grace, which Telegram does not show to bots]",
    ],
    [{ game: { title: "Snake", description: "Eat", photo: [] } }, "[game: Snake. Eat]"],
    [
      { paid_media: { star_count: 5, paid_media: [{ type: "preview" }] } },
      "[paid media for 5 stars: one that is shown when it is paid]",
    ],
    [{ sticker: { ...file("s"), emoji: "😀", set_name: "Cats" } }, "[sticker 😀 of Cats]"],
    [
      { invoice: { title: "Tea", description: "Green", ...price } },
      "[invoice: Tea. Green. 145 of the smallest unit of EUR]",
    ],
    [{ successful_payment: price }, "[payment: 145 of the smallest unit of EUR]"],
    [
      { users_shared: { request_id: 1, users: [{ user_id: 4, first_name: "Bo" }, { user_id: 5 }] } },
      "[shared people: Bo, 5]",
    ],
    [{ chat_shared: { request_id: 1, chat_id: -5, title: "Ops" } }, "[shared chat: Ops]"],
    [{ web_app_data: { button_text: "Order", data: "{}" } }, "[Order: {}]"],
    [{ giveaway: { chats: [], winners_selection_date: 1, winner_count: 3 } }, "[giveaway: 3 winners]"],
    [
      { gift: { gift: { id: "g", sticker: { ...file("s"), emoji: "🎁" }, star_count: 15 }, text: "Thanks" } },
      "[gift 🎁 worth 15 stars: Thanks]",
    ],
    [
      { proximity_alert_triggered: { traveler: ada, watcher: { ...ada, first_name: "Bo" }, distance: 40 } },
      "[Ada L is within 40 m of Bo L]",
    ],
    [{ passport_data: {} }, "[Telegram Passport data, which is not passed on]"],
    [{ text: "gif", via_bot: { id: 8, is_bot: true, first_name: "Gif", username: "gif" } }, "gif\n[via @gif]"],
    [
      {
        text: "x",
        reply_markup: {
          inline_keyboard: [
            [
              { text: "Open", url: "https://o.example" },
              { text: "More", callback_data: "m" },
            ],
          ],
        },
      },
      "x\n[button: Open (https://o.example)]\n[button: More]",
    ],
    [{ hologram_of_tomorrow: { id: 1 } }, "[a message that cannot be shown here: hologram of tomorrow]"],
    [
      { holograms: [{ id: 1 }], caption: "Look", caption_entities: [], weight_of_tomorrow: 5 },
      "Look\n[holograms, which cannot be shown here]",
    ],
    [{ checklist: {}, poll: 7 }, "[poll, which cannot be read]\n[checklist, which cannot be read]"],
    [{}, "[a message that cannot be shown here]"],
  ] as [object, string][])
    test(`content of a Telegram message is ${text.replaceAll("\n", " ").slice(0, 60)} for ${Object.keys(fields)[0] ?? "nothing at all"}`, () => {
      expect(said(fields)?.text).toBe(text);
    });

  test("content of a Telegram message is no event where it is about the chat itself", () => {
    for (const fields of [
      { new_chat_title: "X" },
      { pinned_message: base },
      { left_chat_member: ada },
      { forum_topic_closed: {} },
    ])
      expect(said(fields)).toBeUndefined();
  });

  test("content of a Telegram message is every file in it, with its own type", () => {
    const names = (fields: object) => said(fields)?.files?.map(({ name, type }) => [name, type]);
    expect(names({ sticker: { ...file("s"), is_video: true } })).toEqual([["us.webm", "video/webm"]]);
    expect(names({ sticker: { ...file("s"), is_animated: true } })).toEqual([["us.tgs", "application/x-tgsticker"]]);
    const paid = [
      { type: "photo", photo: [file("a"), file("b")] },
      { type: "video", video: file("v") },
      { type: "preview" },
    ];
    expect(names({ paid_media: { star_count: 1, paid_media: paid } })).toEqual([
      ["ub.jpg", "image/jpeg"],
      ["uv.mp4", "video/mp4"],
    ]);
    expect(names({ photo: [file("p")], live_photo: file("l") })).toEqual([
      ["up.jpg", "image/jpeg"],
      ["ul.mp4", "video/mp4"],
    ]);
  });

  test("content of a Telegram message is the text of a rich message, block by block, with its pictures as files", () => {
    const blocks = [
      { type: "heading", size: 1, text: ["Report ", { type: "bold", text: "Q1" }] },
      {
        type: "paragraph",
        text: [
          { type: "url", text: "more", url: "https://r.example" },
          { type: "custom_emoji", custom_emoji_id: "1", alternative_text: "👍" },
        ],
      },
      {
        type: "list",
        items: [{ label: "1.", has_checkbox: true, is_checked: true, blocks: [{ type: "paragraph", text: "done" }] }],
      },
      { type: "blockquote", blocks: [{ type: "paragraph", text: "wise" }], credit: "Grace" },
      { type: "table", cells: [[{ text: "a" }, { text: "b" }]], caption: "T" },
      { type: "photo", photo: [file("p")], caption: { text: "a graph" } },
      { type: "details", summary: "S", blocks: [{ type: "pre", text: "code" }] },
      { type: "of_tomorrow", text: "still said" },
    ];
    const incoming = said({ rich_message: { blocks } });
    expect(incoming?.text).toBe(
      "Report Q1\nmore (https://r.example)👍\n[x] 1. done\n> wise\n(Grace)\nT\na | b\n[photo]\na graph\nS\ncode\nstill said",
    );
    expect(incoming?.files?.map(({ name }) => name)).toEqual(["up.jpg"]);
  });

  test("content of a Telegram message is who wrote first what was forwarded", () => {
    const from = (origin: object) => said({ text: "x", forward_origin: { date: 1, ...origin } })?.forwardedFrom;
    expect(from({ type: "user", sender_user: ada })).toBe("Ada L");
    expect(from({ type: "hidden_user", sender_user_name: "Somebody" })).toBe("Somebody");
    expect(from({ type: "channel", chat: { id: -7, type: "channel", title: "News" }, author_signature: "Bo" })).toBe(
      "News (Bo)",
    );
    expect(from({ type: "chat", sender_chat: { id: -8, type: "supergroup", title: "Ops" } })).toBe("Ops");
  });

  test("content of a Telegram message is what it answers, also where that is elsewhere, not text, or one line of a list", () => {
    const quoted = (fields: object) => said({ text: "x", ...fields })?.quoted;
    const parent = { ...base, message_id: 3 };
    expect(quoted({ reply_to_message: { ...parent, text: "a and b" }, quote: { text: "b", position: 6 } })).toBe("b");
    expect(quoted({ reply_to_message: { ...parent, text: "all of it" } })).toBe("all of it");
    expect(quoted({ reply_to_message: { ...parent, photo: [file("p")], caption: "look" } })).toBe("[photo]\nlook");
    expect(quoted({ reply_to_message: { ...parent, from: { ...ada, id: 4711 }, text: "ours" } })).toBeUndefined();
    expect(quoted({ reply_to_message: { ...parent, checklist }, reply_to_checklist_task_id: 2 })).toBe("Publish");
    const elsewhere = { origin: { type: "user", date: 1, sender_user: ada }, dice: { emoji: "🎲", value: 2 } };
    expect(quoted({ external_reply: elsewhere })).toBe("Ada L: [🎲 2]");
    expect(quoted({ external_reply: elsewhere, quote: { text: "this", position: 0 } })).toBe("Ada L: this");
    expect(quoted({ reply_to_story: { chat: { id: 9, type: "private", first_name: "Ada" }, id: 1 } })).toBe(
      "[story of Ada]",
    );
  });

  test("content of a Telegram message is whether a bot wrote it; who writes as a chat is none, and neither is who used one", () => {
    const isBot = (fields: object) => said({ text: "x", ...fields })?.sender.isBot;
    const bot = { id: 8, is_bot: true, first_name: "CI" };
    expect(isBot({ from: bot })).toBe(true);
    expect(isBot({})).toBeUndefined();
    expect(isBot({ via_bot: bot })).toBeUndefined();
    expect(isBot({ from: { ...bot, username: "GroupAnonymousBot" }, sender_chat: base.chat })).toBeUndefined();
  });

  test("a message for one person alone is none of those before it, though it has no number", () => {
    const own = (ephemeral_message_id: number) =>
      said({ message_id: 0, ephemeral_message_id, text: "psst" })?.externalId;
    expect(own(1)).not.toBe(own(2));
  });

  test("a live location is one event, however often it moves on", () => {
    const live = { ...spot, live_period: 900 };
    expect(said({ location: live })?.text).toBe("[live location, shared for 15 min: 52.5, 13.4 at first]");
    const move = { ...base, edit_date: 7, location: { ...live, latitude: 52.6 } };
    expect(read({ edited_message: move })).toBeUndefined();
    expect(read({ edited_message: { ...move, location: spot } })).toBeUndefined();
  });
});

describe("telegram", () => {
  test("forwarded and quoted text reach the agent, and so does the mark of a bot", async () => {
    const fake = createFakeTelegram();
    const world = await startChat(() => fake);
    const running = world.run();
    await running.saw("ready");
    const forward_origin = { type: "hidden_user", date: 1, sender_user_name: "Grace" };
    const from = { id: 8, is_bot: true, first_name: "CI" };
    fake.update({
      message: { ...base, from, text: "it broke", forward_origin, quote: { text: "did it?", position: 0 } },
    });
    await running.saw("received");
    const [mail] = await world.inbox();
    expect(mail.payload).toMatchObject({
      ...{ sender: { id: "8", name: "CI", isBot: true }, forwardedFrom: "Grace", quoted: "did it?" },
    });
  });

  test("a webhook that somebody set is removed, also while it runs, and said", async () => {
    const fake = createFakeTelegram();
    fake.setWebhook("https://elsewhere.example/");
    const world = await startChat(() => fake);
    const running = world.run();
    await running.saw("note");
    await running.saw("ready");
    fake.setWebhook("https://again.example/");
    await running.saw("note", 2);
    world.chat.say({ conversation: CHAT, text: "heard" });
    await running.saw("received");
  });

  test("somebody else who polls is waited out, for as long as it takes, and said", async () => {
    const fake = createFakeTelegram();
    const world = await startChat(() => fake);
    const running = world.run();
    await running.saw("ready");
    const { SIGNALBOX_TELEGRAM_API_URL: url, SIGNALBOX_TELEGRAM_TOKEN: token } = fake.environment;
    const thief = await fetch(`${url}/bot${token}/getUpdates?timeout=0`, { method: "POST" });
    expect(thief.ok).toBe(true);
    await running.saw("reading-failed");
    expect(running.events.find((event) => event.type === "reading-failed")).toMatchObject({ code: "conflict" });
    await running.saw("ready", 2);
  });

  test("a reply is shown as one, and an answer to another chat's message is posted without", async () => {
    const world = await startChat(createFakeTelegram);
    const running = world.run();
    await running.saw("ready");
    const externalId = world.chat.say({ conversation: CHAT, text: "question" });
    await running.saw("received");
    const [mail] = await world.inbox();
    await world.send({ body: "answer", replyTo: mail.id });
    const payload = { conversation: { conversationId: CHAT }, replyToExternalId: "-777:1" };
    await world.send({ body: "elsewhere", payload });
    await running.saw("posted", 2);
    expect(world.chat.posted.map(({ replyTo }) => replyTo)).toEqual([externalId, undefined]);
  });

  test("an update that cannot be read is said to be there, and holds up nothing", async () => {
    const fake = createFakeTelegram();
    const world = await startChat(() => fake);
    const running = world.run();
    await running.saw("ready");
    for (const [n, fields] of [{ photo: 7 }, { text: "x", entities: {} }, { forward_origin: {}, text: "y" }].entries())
      fake.update({ message: { ...base, message_id: 10 + n, ...fields } });
    fake.update({ edited_message: { chat: null } });
    fake.update({ edited_message: { ...base, message_id: 10, edit_date: 9, photo: 7 } });
    fake.update({ message: { ...base, text: "last" } });
    await until(async () => (await world.inbox()).at(-1)?.body === "last");
    const unread = "[a message that cannot be read]";
    expect((await world.inbox()).map(({ body }: { body: string }) => body)).toEqual([
      unread,
      unread,
      unread,
      unread,
      "last",
    ]);
  });

  test("two edits within one second are two, and each comes once", async () => {
    const fake = createFakeTelegram();
    const world = await startChat(() => fake);
    const running = world.run();
    await running.saw("ready");
    fake.update({ message: { ...base, text: "a" } });
    for (const text of ["ab", "abc", "other", "ab", "other"])
      fake.update({ edited_message: { ...base, text, edit_date: 77 } });
    fake.update({ message: { ...base, message_id: 6, text: "last" } });
    await until(async () => (await world.inbox()).at(-1)?.body === "last");
    expect((await world.inbox()).map(({ body }: { body: string }) => body)).toEqual([
      "a",
      "ab",
      "abc",
      "other",
      "last",
    ]);
  });

  test("a group that becomes a supergroup keeps its binding, its answers and its thread, told or found out", async () => {
    for (const isTold of [true, false]) {
      const fake = createFakeTelegram();
      const world = await startChat(() => fake);
      await world.relay.agent("own");
      const bound = { target: "own", conversationId: "-77" };
      await world.relay.ask("PUT", `/v1/channels/${world.channelId}/bindings`, bound);
      const running = world.run({ home: { conversationId: "-77" } });
      await running.saw("ready");
      fake.say({ conversation: "-77", text: "question" });
      await running.saw("received");
      const [asked] = (await world.relay.ask("GET", "/v1/messages?to=own")).body.items;
      fake.migrate("-77", "-10077", isTold);
      if (isTold) await running.saw("received", 3);
      await world.send({ body: "one", payload: { conversation: { conversationId: "-77" } } });
      await world.relay.ask("POST", "/v1/messages", {
        from: "own",
        to: world.channelId,
        body: "two",
        replyTo: asked.id,
      });
      await running.saw("posted", 2);
      expect(fake.posted.map(({ conversation, text }) => [conversation, text])).toEqual([
        ["-10077", "one"],
        ["-10077", "two"],
      ]);
      fake.say({ conversation: "-10077", text: "thanks" });
      await until(async () => (await world.relay.ask("GET", "/v1/messages?to=own")).body.items.length === 2);
      const [thanks] = (await world.relay.ask("GET", "/v1/messages?to=own")).body.items;
      expect(thanks).toMatchObject({ body: "thanks", payload: { conversation: { conversationId: "-10077" } } });
      expect(await world.inbox()).toEqual([]);
    }
  });

  test("a message that names no conversation follows the adapter's own chat when that moves", async () => {
    const fake = createFakeTelegram();
    const world = await startChat(() => fake);
    const running = world.run({ home: { conversationId: "-77" } });
    await running.saw("ready");
    const channel = { provider: "telegram", accountId: "fake_bot", topics: ["alerts"] };
    await world.relay.ask("PATCH", `/v1/agents/${world.channelId}`, { channel });
    fake.migrate("-77", "-10077", false);
    for (const body of ["fire", "out"]) await world.send({ body, topic: "alerts" });
    await running.saw("posted", 2);
    expect(fake.posted.map(({ conversation }) => conversation)).toEqual(["-10077", "-10077"]);
  });

  test("a button that Telegram cannot carry makes the message fail, in words", async () => {
    const world = await startChat(createFakeTelegram);
    const running = world.run();
    await running.saw("ready");
    const buttons = [[{ id: "x".repeat(65), text: "Too long" }]];
    await world.send({ body: "press", payload: { conversation: { conversationId: CHAT }, buttons } });
    await running.saw("not-posted");
    expect(running.events.at(-1)).toMatchObject({ failure: "permanent", code: "button-too-long" });
    expect(world.chat.posted).toEqual([]);
    await until(async () => (await world.inbox()).length === 1);
  });
});
