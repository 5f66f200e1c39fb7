import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Cell, Ratio, Room } from "../bench.ts";
import { ratePerSecond } from "../http-load.ts";
import { draft } from "../traffic.ts";
import { bullMq } from "./bullmq.ts";
import { bunqueue } from "./bunqueue.ts";
import { natsJetStream } from "./nats.ts";
import { installedIn, LANES, type Peer, type PeerProduct } from "./peer.ts";
import { redisStreams } from "./redis.ts";

const PRODUCTS: readonly PeerProduct[] = [redisStreams, bullMq, bunqueue, natsJetStream];

/** A product that takes longer to start, to do its work once or to end is left out. */
const LONGEST_MS = 120_000;

const WORKS = [
  { name: "send", ours: "durable send, 64 in flight", what: "send, 64 in flight" },
  { name: "claims", ours: "claim and complete, 64 workers", what: "claim and acknowledge, 64 workers" },
  { name: "flow", ours: "send, claim and complete, 64 at once", what: "send, claim and acknowledge, 64 at once" },
] as const;
type Work = (typeof WORKS)[number];

const cellName = (product: PeerProduct, work: Work) => `${product.name}-${work.name}`;
const rowName = (product: PeerProduct, work: { what: string }) => `${product.title}: ${work.what}`;

export const PEER_CELLS = PRODUCTS.flatMap((product) => WORKS.map((work) => cellName(product, work)));

const CLIENT = {
  name: "send",
  ours: "durable send by the typed client, 64 in flight",
  what: "send, 64 in flight",
} as const;

export const PEER_RATIOS: Ratio[] = PRODUCTS.flatMap((product) =>
  [...WORKS, CLIENT].map((work) => ({
    name: `${work.ours} / ${product.name}`,
    unit: "x",
    of: [work.ours, rowName(product, work)],
  })),
);

/** The cells of the products that are installed: `BENCH_PEERS_DIR` is the folder with their npm packages. */
export async function openPeers(room: Room): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const product of PRODUCTS) {
    const wanted = WORKS.filter((work) => room.wanted(cellName(product, work)));
    if (wanted.length === 0) continue;
    const reason = missing(product);
    if (reason) {
      room.skip(product.title, reason);
      continue;
    }
    const folder = join(room.folder, product.name);
    await mkdir(folder);
    try {
      const peer = await inTime(product.open(installedIn(peersFolder()), folder));
      room.atEnd(() => inTime(Promise.resolve(peer.close())));
      cells.push(...wanted.map((work) => peerCell(room, peer, product, work)));
    } catch (error) {
      room.skip(product.title, String(error));
    }
  }
  return cells;
}

export const peersFolder = () => process.env.BENCH_PEERS_DIR ?? "";

export function missing({ npm, program }: PeerProduct): string | undefined {
  if (peersFolder() === "") return "BENCH_PEERS_DIR is not set";
  if (program && !Bun.which(program)) return `there is no ${program} on the PATH`;
  try {
    installedIn(peersFolder()).fileOf(npm);
  } catch {
    return `there is no npm package ${npm} in BENCH_PEERS_DIR`;
  }
  return undefined;
}

function peerCell(room: Room, peer: Peer, product: PeerProduct, work: Work): Cell {
  const messages = Array.from({ length: Math.ceil(20_000 * room.scale) }, () => draft("anyone"));
  async function measure(): Promise<number[]> {
    if (work.name === "send") return [await sendRate(room, peer)];
    if (work.name === "claims") await peer.fill(messages);
    const start = performance.now();
    await (work.name === "claims" ? peer.workOff(messages.length) : peer.flow(messages));
    return [messages.length / ((performance.now() - start) / 1000)];
  }
  return {
    name: cellName(product, work),
    rows: [{ name: rowName(product, work), unit: "messages/s" }],
    mayFail: true,
    measure: () => inTime(measure()),
  };
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`took longer than ${LONGEST_MS / 1000} s`)), LONGEST_MS);
  return await Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}

/** Work sent here is done again outside the measurement, so that the other cells start from nothing. */
async function sendRate(room: Room, peer: Peer): Promise<number> {
  let sent = 0;
  const rate = await ratePerSecond([...Array(LANES).keys()], room.milliseconds, () => {
    sent += 1;
    return peer.send(draft("anyone"));
  });
  await peer.workOff(sent);
  return rate;
}
