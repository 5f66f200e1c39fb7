import type { Logger } from "pino";
import type { Clock } from "./clock.ts";
import type { Durability } from "./db/connection.ts";
import { openDatabase } from "./db/database.ts";
import { createDisk, type DiskProbe, probeOf } from "./db/disk.ts";
import { createPlace } from "./db/sequence.ts";
import { createDue } from "./due/due.ts";
import { createDueStore } from "./due/store.ts";
import { createEgress } from "./egress/egress.ts";
import { createHooks } from "./hooks.ts";
import { createIdempotency } from "./idempotency/service.ts";
import { createIdempotencyStore } from "./idempotency/store.ts";
import { createConnections } from "./log/connections.ts";
import type { StuckPeers } from "./log/peers.ts";

export interface KernelOptions {
  /** Existing folder. */
  dataDir: string;
  durability: Durability;
  /** Private addresses that egress may reach. */
  egressPrivate: readonly string[];
  /** Bytes of disk kept free for necessary writes; 0 turns the check off. */
  diskReserveBytes: number;
  /** Secret from which ids and secrets are derived. */
  key: string;
  clock: Clock;
  logger: Logger;
  diskProbe?: DiskProbe | undefined;
  stuckPeers?: StuckPeers | undefined;
}

export type Kernel = Awaited<ReturnType<typeof createKernel>>;

/** Opens the database and makes the mechanisms that every area shares. It knows no feature. */
export async function createKernel(options: KernelOptions) {
  const { dataDir, clock, logger, key } = options;
  const onError = (error: unknown, stage = "background") => logger.error({ err: error, stage }, "something failed");
  const hooks = createHooks();
  const db = openDatabase({ dataDir, durability: options.durability, onError });
  const place = createPlace(db, "messages");
  return {
    db,
    due: createDue(db, createDueStore(), clock, hooks, logger),
    connections: createConnections(clock, hooks, options.stuckPeers),
    egress: createEgress({ allow: options.egressPrivate }),
    idempotency: createIdempotency(createIdempotencyStore(), clock),
    disk: createDisk(options.diskProbe ?? probeOf(dataDir), clock, options.diskReserveBytes),
    hooks,
    clock,
    logger,
    key,
    /** Newest place in the log of messages, as a read or the open write sees it. */
    headOf: place.of,
    /** Notes the place of the message that the open write has appended. */
    headMoved: place.moved,
    onError,
  };
}
