import { expect, test } from "bun:test";
import { startHoldDrill } from "../support/hold-drill.ts";

/** A longer drill: `HOLD_ROUNDS=300 HOLD_SEED=1000 bun test test/daemon/hold-drill.test.ts`. */
const { HOLD_ROUNDS: ROUNDS = "2", HOLD_SEED: SEED = "1" } = process.env;

test("G7: whatever is held and lifted in whatever order, all work ends once and soon", async () => {
  for (let round = 0; round < Number(ROUNDS); round++) {
    const drill = await startHoldDrill(Number(SEED) + round);
    const failure = await drill.round(30).then(
      () => null,
      (error: Error) => ({
        seed: Number(SEED) + round,
        error: error.message,
        steps: drill.steps,
        log: drill.world.log,
      }),
    );
    expect(failure).toBeNull();
  }
}, 3_600_000);
