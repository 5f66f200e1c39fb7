import { systemTiming, type Timing } from "../client/timing.ts";

/** Time of the daemon, as an argument so that tests move it by hand. */
export interface DaemonTime extends Timing {
  /** Milliseconds since 1970. It may jump. */
  wall(): number;
}

export const systemTime: DaemonTime = { ...systemTiming, wall: () => Date.now() };
