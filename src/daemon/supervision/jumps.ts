import { untilAnswered } from "../../client/until-answered.ts";
import type { TurnRow } from "../journal/turns.ts";
import type { Services } from "../services.ts";
import type { LiveSessions } from "../sessions/live.ts";
import type { RunningTurn } from "../turns/running.ts";
import type { Turns } from "../turns/turns.ts";

const LOOK_MS = 10_000;
/** A look that comes so late, or sees so much time pass unnoticed, follows a sleep of the machine. */
const JUMP_MS = 60_000;

interface Parts {
  live: LiveSessions;
  turns: Turns;
}

/**
 * Notices that the machine has slept. Its leases may have run out meanwhile: nothing begins until the relay was asked for them, and
 * turns whose work others hold are interrupted.
 */
export function createJumps(services: Services, { live, turns }: Parts) {
  const { link, time, life, log } = services;
  let checking: Promise<void> | undefined;

  /** Whether nobody else has the claim or the run of a turn. A run that was lost and that nobody took is still ours. */
  async function isOurs({ turn, handle, claim }: RunningTurn): Promise<boolean> {
    if (claim && !(await claim.isOurs())) return false;
    if (!handle) return true;
    const { status, turnId } = await untilAnswered(time, () => link.of(turn.agentId).verbs.get(handle.id), life);
    return status === "ended" || turnId === handle.turnId;
  }

  async function checkTurn(running: RunningTurn): Promise<void> {
    if ((await isOurs(running)) || running.isEnded) return;
    log(`Turn ${running.turn.id} is interrupted: others hold its work since this machine has slept`);
    running.stop("interrupt", "Another took over this work while the machine slept.");
  }

  async function check(sleptMs: number): Promise<void> {
    log(`The machine has slept for ${Math.round(sleptMs / 1000)} s: the relay is asked for all leases`);
    await live.checkLeases();
    await Promise.all(turns.all().map(checkTurn));
    log("The relay has answered for all leases");
  }

  return {
    /** Gate for turns. */
    async gate(_: TurnRow, signal: AbortSignal): Promise<void> {
      while (checking) await checking;
      signal.throwIfAborted();
    },
    /** Looks until the daemon ends. */
    async watch(): Promise<void> {
      while (!life.aborted) {
        const [wall, now] = [time.wall(), time.now()];
        await time.sleep(LOOK_MS, life).catch(() => undefined);
        if (life.aborted) return;
        // A clock that stands still while the machine sleeps shows in the other one.
        const sleptMs = Math.max(time.wall() - wall, time.now() - now) - LOOK_MS;
        if (sleptMs < JUMP_MS) continue;
        checking = check(sleptMs).catch((error) => {
          if (!life.aborted) log(`The check of leases failed: ${error instanceof Error ? error.message : error}`);
        });
        await checking;
        checking = undefined;
      }
    },
  };
}
