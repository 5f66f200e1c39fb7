import type { Caller } from "../../identity/auth/caller.ts";
import type { Clock } from "../../kernel/clock.ts";

/** A person's device: what it shows, and since when nobody looks at it. */
interface Look {
  personId: string | null;
  device: string | undefined;
  threadId: number | undefined;
  isLooking: boolean;
  /** Time of the last change, in milliseconds. */
  changedAt: number;
  isGone: boolean;
}

/** Time that a device still counts as looked at, after its person looked away. */
const AFTER_BLUR_MS = 15_000;
/** The same after its connection died, which a page that reloads does, too. */
const AFTER_DEATH_MS = 30_000;

/** Devices that people look at just now. Kept in memory: after a restart nobody is known to look. */
export function createPresence(clock: Clock) {
  const looks = new Set<Look>();
  const endOf = (look: Look): number =>
    look.isLooking && !look.isGone
      ? Number.POSITIVE_INFINITY
      : look.changedAt + (look.isGone ? AFTER_DEATH_MS : AFTER_BLUR_MS);
  const counts = (look: Look): boolean => endOf(look) > clock.now();

  return {
    /** A page was opened. */
    add({ personId }: Caller) {
      const look: Look = {
        ...{ personId, device: undefined, threadId: undefined },
        ...{ isLooking: false, isGone: false, changedAt: Number.NEGATIVE_INFINITY },
      };
      looks.add(look);
      return {
        at({ threadId, device = look.device }: { threadId?: number; device?: string }): void {
          Object.assign(look, { threadId, device, isLooking: true, changedAt: clock.now() });
        },
        away(): void {
          if (look.isLooking) Object.assign(look, { isLooking: false, changedAt: clock.now() });
        },
        gone(): void {
          if (look.isLooking) look.changedAt = clock.now();
          look.isGone = true;
          for (const one of looks) if (one.isGone && !counts(one)) looks.delete(one);
        },
      };
    },

    /**
     * Time until which a person's device counts as looked at: infinite while somebody looks, 0 when nobody does.
     * @param personId null for tokens without a person
     */
    lookedAtUntil: (personId: string | null, device: string): number =>
      Math.max(
        0,
        ...[...looks].filter((look) => look.personId === personId && look.device === device && counts(look)).map(endOf),
      ),

    /** People who look at a thread just now. */
    at: (threadId: number): (string | null)[] =>
      [...looks].filter((look) => look.threadId === threadId && look.isLooking && !look.isGone).map((l) => l.personId),
  };
}
