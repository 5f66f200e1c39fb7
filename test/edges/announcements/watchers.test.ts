import { describe, expect, test } from "bun:test";
import { startOffice } from "../../support/announcements.ts";
import { listen } from "../../support/listen.ts";
import { startReceiver } from "../../support/receiver.ts";
import { openStream } from "../../support/stream.ts";

const ADA = { requester: { agentId: "ada" } };

describe("news of an announcement", () => {
  test("watchers hear of each change that they may read, and outsiders of none", async () => {
    const office = await startOffice();
    const { relay, ada, bob, cid, asked, finish, announced, ackUpTo } = office;
    const url = `${listen(office)}/v1/messages/stream`;
    const [all, mine, others] = await Promise.all(
      [relay.operatorToken, ada.token, cid.token].map((token) => openStream(url, { token })),
    );
    for (const stream of [all, mine, others]) await stream?.first("hello");
    await finish(bob, await asked(ada, bob, ADA), { silent: true });
    const run = await asked(ada, bob, ADA);
    await finish(bob, run, { result: "Done." });
    await ackUpTo(ada, (await announced(ada))[0].id);
    const states = (stream: typeof all) => stream?.of("announcement").map(({ data }) => data.state);
    await all?.until((so) => so.of("announcement").length >= 3);
    await mine?.until((so) => so.of("announcement").length >= 3);
    expect(states(all)).toEqual(["silent", "sent", "acknowledged"]);
    expect(states(mine)).toEqual(["silent", "sent", "acknowledged"]);
    expect(states(others)).toEqual([]);
  });

  test("webhooks get one event for each state of an announcement and each status of a run", async () => {
    const { ask, relay, ada, bob, asked, does, finish, announced, ackUpTo } = await startOffice();
    const receiver = startReceiver();
    const events = ["run.changed", "announcement.changed"];
    await ask("POST", "/v1/webhooks", { url: receiver.url, events });
    const foreign = await ask("POST", "/v1/webhooks", { url: `${receiver.url}/foreign`, events }, bob);
    expect(foreign.status).toBe(201);
    const run = await asked(ada, bob, ADA);
    await does(bob, run, "renew", {}, run);
    await finish(bob, run, { result: "Done." });
    await ackUpTo(ada, (await announced(ada))[0].id);
    for (let n = 0; n < 8; n++) await relay.settle();
    const told = (path: string) =>
      receiver.received
        .filter((got) => got.path === path)
        .map(({ event }) => `${event.type} ${event.data.status ?? event.data.state}`)
        .sort();
    const ofAnnouncement = ["announcement.changed acknowledged", "announcement.changed sent"];
    const ofRun = ["run.changed ended", "run.changed queued", "run.changed running"];
    expect(told("/hook")).toEqual([...ofAnnouncement, ...ofRun]);
    expect(told("/hook/foreign")).toEqual([...ofAnnouncement, ...ofRun]);
  });
});
