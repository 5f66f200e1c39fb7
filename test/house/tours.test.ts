import { describe, expect, test } from "bun:test";
import { atEnd } from "../support/ending.ts";
import { markedBlocks, readPage } from "../support/markdown.ts";
import { startServer } from "../support/server.ts";
import { createFakeTelegram } from "../support/telegram.ts";
import { runTour } from "../support/tour.ts";
import { until } from "../support/until.ts";

const tour = markedBlocks(readPage("docs/tour.md").text, "tour");
const chatTour = markedBlocks(readPage("docs/chat-tour.md").text, "chat tour");
const runsTour = markedBlocks(readPage("docs/runs.md").text, "runs tour");

describe("the tours in docs", () => {
  test("docs/tour.md runs as printed", async () => {
    const server = await startServer();
    expect(tour.length).toBeGreaterThan(6);
    const [who, , sent, claimed, completed, inbox, explained, stream] = await runTour(tour, server);
    expect(who).toContain('"role":"operator"');
    expect(sent).toContain('"state":"open"');
    expect(claimed).toContain('"token":"clm_1_1"');
    expect(completed).toContain('"state":"done"');
    expect(inbox).toContain('"body":"built in 4 s"');
    expect(inbox).toContain('{"cursor":2,"skipped":0}');
    expect(explained).toContain('"step":"completed","agentId":"builder"');
    expect(explained).toMatch(/offered to planner at \d\d:\d\d:\d\dZ by poll, acknowledged at/);
    expect(stream).toContain("event: hello");
    expect(stream).toContain("id: 2\nevent: message");
  });

  test("docs/runs.md runs as printed: a run, its events, and its result", async () => {
    const server = await startServer();
    const [setUp, register] = tour;
    expect(runsTour.length).toBe(5);
    const printed = await runTour([setUp ?? "", register ?? "", ...runsTour], server);
    const [asked, , appended, ended, read] = printed.slice(2);
    expect(asked).toContain('"status":"queued"');
    expect(appended).toContain('{"next":4}');
    expect(ended).toContain('"outcome":"ok"');
    expect(ended).toContain('"result":{"text":"Two things are left to do."');
    expect(read).toContain('"kind":"announcement"');
    expect(read).toContain('"from":"builder"');
    expect(read).toContain('{"type":"tool-input-available","toolCallId":"1"');
    expect(read).toContain('event: bye\ndata: {"reason":"ended"');
    expect(read).toContain('"state":"sent"');
  });

  test("docs/chat-tour.md runs as printed: from an alert to a chat", async () => {
    const telegram = createFakeTelegram();
    atEnd(telegram.close);
    const server = await startServer({ env: telegram.environment });
    telegram.say({ conversation: "4711", text: "What happened to db-1?" });
    await until(() => telegram.waiting() === 0 && server.output().includes("events reach us"), "the question");
    await until(() => telegram.posted.length === 1, "the code in the chat");
    const [setUp, register] = tour;
    expect(chatTour.length).toBe(5);
    const printed = await runTour([setUp ?? "", register ?? "", ...chatTour], server);
    const [events, task, delegation, ended, answered] = printed.slice(2);
    expect(events).toContain(`"routed":0,"unbound":false,"stranger":true`);
    const [code] = /The code: \w{8}/.exec(events ?? "") ?? [];
    expect(telegram.posted[0]?.text).toContain(code?.slice(-8));
    expect(task).toContain('"title":"Disk of db-1 is full"');
    expect(delegation).toContain('"status":"answered"');
    expect(delegation).toContain("Old logs, 40 GB.");
    expect(ended).toContain('"status":"done"');
    expect(answered).toContain('"state":"done"');
    await until(() => telegram.posted.length === 3, "the answer in the chat");
    expect(telegram.posted.slice(1)).toMatchObject([
      { conversation: "4711", text: "You are let in. Write again what you want to say." },
      { conversation: "4711", text: "Its disk was full of old logs. They are rotated, 40 GB are free." },
    ]);
  });
});
