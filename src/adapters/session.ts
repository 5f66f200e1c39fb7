import type { Client } from "../client/client.ts";
import type { Timing } from "../client/timing.ts";
import type { Place, Platform } from "./contract.ts";
import type { AdapterEvent } from "./events.ts";
import type { HostProcess } from "./standby.ts";

/** One term of service of an adapter, under one instance of the channel's agent. */
export interface Session {
  platform: Platform;
  client: Client;
  channelId: string;
  timing: Timing;
  here: HostProcess;
  /** Interval of the beat, in milliseconds. */
  beatMs: number;
  /** Interval of the canary, in milliseconds. */
  probeMs: number;
  /** Conversation for messages that name none. */
  home?: Place | undefined;
  onEvent(event: AdapterEvent): void;
}
