import { join } from "node:path";
import type { Bench, Cell, Room } from "./bench.ts";
import { processorSeconds, residentBytes, untilQuiet } from "./child.ts";
import { followPath } from "./follow.ts";
import { type Connection, expectSuccess, forEach, request, withLanes } from "./http-load.ts";
import { openStreamsPeer } from "./peers/redis-log.ts";
import { type Relay, startRelay } from "./relay.ts";
import { batch, draft, pick, registerSpeakers, type Speaker } from "./traffic.ts";

const RUNS = 200;
const EVENTS = 2000;
const VIEWERS = 3;
/** Events of one call. */
const BATCH = 50;
const LANES = 32;
/** Events, and messages, whose cost is measured. */
const COUNTED = 100_000;

/** Runs that are watched while they work, beside a log with the same traffic; and the cost of an event beside that of a message. */
export const runs: Bench = {
  cells: ["runs", "runs-redis", "event-cost"],
  ratios: [
    {
      ...{ name: "events of runs / Redis Streams", unit: "x" },
      of: ["events of watched runs, to the last viewer", "Redis Streams: the same, to the last reader"],
    },
    {
      ...{ name: "processor time of an event / of a message", unit: "x", atMost: 1 / 3 },
      of: ["processor time of an event, batched", "processor time of a message, batched"],
    },
  ],
  async open(room) {
    const relay = await startRelay(room, join(room.folder, "runs"));
    const speakers = await registerSpeakers(relay, Math.ceil(RUNS * room.scale));
    const redis = room.wanted("runs-redis") ? await openStreamsPeer(room) : undefined;
    const cells = [watchedCell(relay, speakers), costCell(room, relay, speakers)];
    return redis ? [...cells, redisCell(redis, speakers.length)] : cells;
  },
};

interface Run {
  id: string;
  token: string;
  speaker: Speaker;
}

/** A request that names the turn it belongs to. */
const byRunner = ({ id, token, speaker }: Run, verb: string, body: string): string =>
  request("POST", `/v1/runs/${id}/${verb}`, speaker.token, body).replace("\r\n", `\r\nSignalbox-Run: ${token}\r\n`);

async function begin(lane: Connection, speaker: Speaker): Promise<Run> {
  const asked = request("POST", "/v1/runs", speaker.token, JSON.stringify({ task: "Measure it." }));
  const { id, token } = JSON.parse(expectSuccess(await lane.ask(asked)).body.toString());
  return { id, token, speaker };
}

const PIECES = ["Reading ", "the parser, ", "then its tests. ", "Two cases ", "fail: ", "both on empty input. "];

/** One event of an agent at work: mostly text, some thoughts, a tool now and then. */
function event(seq: number): string {
  const head = `{"source":"main","seq":${seq},"stream":`;
  const step = seq % 20;
  if (step === 18)
    return `${head}"tool","data":{"phase":"start","toolCallId":"c${seq}","name":"shell","args":{"command":"bun test"}}}`;
  if (step === 19)
    return `${head}"tool","data":{"phase":"result","toolCallId":"c${seq - 1}","result":"41 pass, 2 fail in 1.2 s"}}`;
  return `${head}"${step < 4 ? "thinking" : "assistant"}","data":{"delta":"${PIECES[seq % PIECES.length]}"}}`;
}

const events = (from: number): string => `[${Array.from({ length: BATCH }, (_, i) => event(from + i)).join(",")}]`;

async function work(lane: Connection, run: Run): Promise<void> {
  for (let from = 0; from < EVENTS; from += BATCH) expectSuccess(await lane.ask(byRunner(run, "events", events(from))));
  expectSuccess(await lane.ask(byRunner(run, "finish", '{"outcome":"ok"}')));
}

/** Follows a run until its end. */
async function view(relay: Relay, run: Run): Promise<{ ended: Promise<void>; close(): void }> {
  const ended = Promise.withResolvers<void>();
  const path = `/v1/runs/${run.id}/events/stream`;
  const view = await followPath(relay, run.speaker.token, path, (name, data) => {
    if (name === "part" && data.includes('"type":"finish",')) ended.resolve();
    return name === "part";
  });
  return { ended: ended.promise, close: view.close };
}

function watchedCell(relay: Relay, speakers: readonly Speaker[]): Cell {
  return {
    name: "runs",
    rows: [
      { name: "events of watched runs, to the last viewer", unit: "events/s" },
      { name: "late viewer of 2,000 events, to the live end", unit: "ms" },
      { name: "memory after watched runs", unit: "MiB" },
    ],
    measure: () =>
      withLanes(relay.port, LANES, async (lanes) => {
        const made: Run[] = [];
        await forEach(lanes, speakers, async (lane, speaker) => {
          made.push(await begin(lane, speaker));
        });
        const viewers = await Promise.all(
          made.flatMap((run) => Array.from({ length: VIEWERS }, () => view(relay, run))),
        );
        const start = performance.now();
        await forEach(lanes, made, work);
        await Promise.all(viewers.map(({ ended }) => ended));
        const seconds = (performance.now() - start) / 1000;
        for (const viewer of viewers) viewer.close();
        const joined = performance.now();
        const late = await view(relay, made[0] as Run);
        await late.ended;
        const milliseconds = performance.now() - joined;
        late.close();
        return [(made.length * EVENTS) / seconds, milliseconds, (await residentBytes(relay.pid)) / 2 ** 20];
      }),
  };
}

/** Processor time of the relay for the same number of messages and of events, both in batches, read by nobody. */
function costCell(room: Room, relay: Relay, speakers: readonly Speaker[]): Cell {
  const count = Math.max(COUNTED * room.scale, 20_000);
  const cost = async (task: () => Promise<unknown>): Promise<number> => {
    const before = await processorSeconds(relay.pid);
    await task();
    await untilQuiet(relay.pid);
    return (((await processorSeconds(relay.pid)) - before) / count) * 1e6;
  };
  return {
    name: "event-cost",
    rows: [
      { name: "processor time of an event, batched", unit: "us" },
      { name: "processor time of a message, batched", unit: "us" },
    ],
    measure: () =>
      withLanes(relay.port, 4, async (lanes) => {
        const run = await begin(lanes[0] as Connection, pick(speakers));
        const ofEvents = await cost(async () => {
          for (let from = 0; from < count; from += BATCH)
            expectSuccess(await (lanes[0] as Connection).ask(byRunner(run, "events", events(from))));
        });
        expectSuccess(await (lanes[0] as Connection).ask(byRunner(run, "finish", '{"outcome":"ok"}')));
        const ofMessages = await cost(async () => {
          for (let sent = 0; sent < count; sent += BATCH) {
            const body = batch(BATCH, () => draft(pick(speakers).id));
            const asked = request("POST", "/v1/messages/batch", pick(speakers).token, body);
            expectSuccess(await (lanes[0] as Connection).ask(asked));
          }
        });
        return [ofEvents, ofMessages];
      }),
  };
}

function redisCell(redis: Awaited<ReturnType<typeof openStreamsPeer>> & object, count: number): Cell {
  return {
    name: "runs-redis",
    rows: [{ name: "Redis Streams: the same, to the last reader", unit: "events/s" }],
    async measure() {
      const start = performance.now();
      await redis.run({ streams: count, entries: EVENTS, batch: BATCH, readers: VIEWERS, entry: event, lanes: LANES });
      return [(count * EVENTS) / ((performance.now() - start) / 1000)];
    },
  };
}
