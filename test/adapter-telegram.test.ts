import { describe, expect, test } from "bun:test";
import type { Update } from "grammy/types";
import { externalIdOf, incomingOf } from "../src/adapters/telegram-incoming.ts";
import { startChat } from "./support/adapter.ts";
import { createFakeTelegram } from "./support/telegram.ts";
import { until } from "./support/until.ts";

const CHAT = "-100200";
const reader = { username: "fake_bot", fetchFile: async () => new Blob() };
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

  test("a message that Telegram no longer shows can still have its button pressed", () => {
    const message = { chat: base.chat, message_id: 8, date: 0 };
    const incoming = read({ callback_query: { id: "q", from: base.from, message, data: "yes", chat_instance: "1" } });
    expect(incoming).toMatchObject({ type: "button", conversationId: CHAT, replyToExternalId: externalIdOf(CHAT, 8) });
  });
});

describe("telegram", () => {
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
