import { cp } from "node:fs/promises";
import { join } from "node:path";
import type { Inbox } from "../../src/protocol/inbox.ts";
import type { Bench, Cell, Room } from "./bench.ts";
import { untilQuiet } from "./child.ts";
import { type Connection, connect, expectSuccess, request, withLanes } from "./http-load.ts";
import { type Relay, startRelay } from "./relay.ts";
import { median } from "./stats.ts";
import { draft, fill, pick, registerSpeakers, type Speaker } from "./traffic.ts";

const MANY = 1_000_000;
const FEW = 10_000;
const POLLS = 1000;

interface Store {
  relay: Relay;
  speakers: Speaker[];
  head: number;
}

const emptyRow = (count: number) => `inbox poll, nothing new, ${count.toLocaleString("en")} stored, p50`;
const newPageRow = (count: number) => `inbox page of 50 of the newest, ${count.toLocaleString("en")} stored, p50`;
const oldPageRow = (count: number) => `inbox page of 50 from an old place, ${count.toLocaleString("en")} stored, p50`;
/** So far behind the newest, there are more than 50 messages for any agent. */
const NEWEST = 4000;

/** Costs that grow with the stored rows: reading an inbox, and starting. */
export const stored: Bench = {
  cells: ["inbox-few", "inbox-many", "start"],
  ratios: [
    { name: "empty poll, 1,000,000 / 10,000 stored", unit: "x", of: [emptyRow(MANY), emptyRow(FEW)], atMost: 1.5 },
    { name: "newest page, 1,000,000 / 10,000 stored", unit: "x", of: [newPageRow(MANY), newPageRow(FEW)], atMost: 1.5 },
    { name: "old page, 1,000,000 / 10,000 stored", unit: "x", of: [oldPageRow(MANY), oldPageRow(FEW)] },
  ],
  async open(room) {
    const cells: Cell[] = [];
    if (room.wanted("inbox-few")) {
      cells.push(inboxCell("inbox-few", FEW, await fillStore(room, join(room.folder, "few"), FEW)));
    }
    if (room.wanted("inbox-many") || room.wanted("start")) {
      const folder = join(room.folder, "many");
      const store = await fillStore(room, folder, MANY * room.scale);
      if (room.wanted("start")) {
        await store.relay.stop();
        await cp(folder, `${folder}-copy`, { recursive: true });
        cells.push(startCell(room, `${folder}-copy`));
        store.relay = await startRelay(room, folder);
      }
      cells.push(inboxCell("inbox-many", MANY, store));
    }
    return cells;
  },
};

/** Most messages go to one agent, one in twenty to a tag, one in a hundred to everybody. */
function anyTarget(speakers: readonly Speaker[]): string {
  const dice = Math.random();
  if (dice < 0.01) return "broadcast";
  return dice < 0.06 ? `tag:t${Math.floor(Math.random() * 10)}` : pick(speakers).id;
}

async function fillStore(room: Room, folder: string, count: number): Promise<Store> {
  const relay = await startRelay(room, folder);
  const speakers = await registerSpeakers(relay, 1000);
  await fill(relay, speakers, count, () => draft(anyTarget(speakers)));
  const lane = await connect(relay.port);
  const { head } = await poll(lane, pick(speakers), 0);
  lane.close();
  await untilQuiet(relay.pid);
  return { relay, speakers, head };
}

async function poll(lane: Connection, { id, token }: Speaker, after: number): Promise<Inbox> {
  const answer = expectSuccess(await lane.ask(request("GET", `/v1/agents/${id}/inbox?after=${after}&limit=50`, token)));
  return JSON.parse(answer.body.toString()) as Inbox;
}

/** New rows cost the same whatever is stored; old rows are no longer in the cache. */
function inboxCell(name: string, count: number, { relay, speakers, head }: Store): Cell {
  const timePolls = async (lane: Connection, after: () => number) => {
    const samples: number[] = [];
    for (let n = 0; n < POLLS; n += 1) {
      const start = performance.now();
      await poll(lane, pick(speakers), after());
      samples.push(performance.now() - start);
    }
    return median(samples);
  };
  const anywhere = () => Math.floor(Math.random() * head * 0.5);
  return {
    name,
    rows: [
      { name: emptyRow(count), unit: "ms" },
      { name: newPageRow(count), unit: "ms" },
      { name: oldPageRow(count), unit: "ms" },
    ],
    measure: () =>
      withLanes(relay.port, 1, async ([lane]) => {
        if (!lane) return [];
        const empty = await timePolls(lane, () => head);
        const newest = await timePolls(lane, () => head - NEWEST);
        return [empty, newest, await timePolls(lane, anywhere)];
      }),
  };
}

/** From the start of the process to the first time it says that it can write. */
function startCell(room: Room, folder: string): Cell {
  return {
    name: "start",
    rows: [{ name: "start until ready, 1,000,000 stored", unit: "ms", atMost: 400 }],
    async measure() {
      const start = performance.now();
      const relay = await startRelay(room, folder);
      const lane = await connect(relay.port);
      expectSuccess(await lane.ask(request("GET", "/readyz", "")));
      const ready = performance.now() - start;
      lane.close();
      await relay.stop();
      return [ready];
    },
  };
}
