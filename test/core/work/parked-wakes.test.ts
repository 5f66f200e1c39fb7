import { describe, expect, test } from "bun:test";
import { createWaits } from "../../../src/core/inbox/waits.ts";
import { createParked, type OpenWork } from "../../../src/core/work/parked.ts";
import { createHooks } from "../../../src/kernel/hooks.ts";
import { createConnections } from "../../../src/kernel/log/connections.ts";
import { createLog } from "../../../src/kernel/log/log.ts";
import { createManualClock } from "../../support/clock.ts";
import { turns } from "../../support/until.ts";

const WORK: OpenWork = { messageId: 1, target: "tag:crew", kind: "task", topic: "" };
type Found = "work" | "other" | "nothing";

/** Claimers that wait, whose looks end when the test says so. */
function createQueue() {
  const clock = createManualClock();
  const hooks = createHooks();
  const parked = createParked(hooks);
  const waits = createWaits({ log: createLog(0), parked, connections: createConnections(clock, hooks), clock });

  function claimer(agentId: string, want: { kinds?: string[]; topics?: string[] } = {}) {
    const gone = new AbortController();
    const looks: PromiseWithResolvers<Found>[] = [];
    const made = {
      agentId,
      targets: ["tag:crew"],
      /** The state of what woke it, where its look has not found it. */
      state: { isOpen: true, mayClaim: true },
      looks,
      leave: () => gone.abort(),
      answer: undefined as Promise<Found> | undefined,
    };
    made.answer = waits.forWork<Found>({
      caller: {
        tokenId: "t",
        role: "agent",
        agentId,
        groups: null,
        personId: null,
        prefix: null,
        source: null,
        instanceId: null,
        requestId: "r",
      },
      agentId,
      waitMs: 60_000,
      ...want,
      signal: gone.signal,
      targets: async () => made.targets,
      look: () => {
        const look = Promise.withResolvers<Found>();
        looks.push(look);
        return look.promise;
      },
      found: (found) => found !== "nothing",
      took: (found) => found === "work",
      stateOf: async () => made.state,
    });
    return made;
  }
  type Claimer = ReturnType<typeof claimer>;

  /** Its current look finds nothing, so that it waits. */
  async function settle(one: Claimer): Promise<void> {
    await turns(2);
    one.looks.at(-1)?.resolve("nothing");
    await turns(2);
  }
  async function twoWaiting(want = {}): Promise<[Claimer, Claimer]> {
    const first = claimer("ann", want);
    await settle(first);
    const second = claimer("ben");
    await settle(second);
    expect([first.looks.length, second.looks.length, parked.waiting()]).toEqual([1, 1, 2]);
    return [first, second];
  }
  return { parked, waits, clock, twoWaiting };
}

describe("a wake", () => {
  test("a wake goes to the first claimer alone, which is in the queue again while it looks", async () => {
    const { parked, twoWaiting } = createQueue();
    const [first, second] = await twoWaiting();
    parked.opened(WORK);
    await turns(2);
    expect([first.looks.length, second.looks.length, parked.waiting()]).toEqual([2, 1, 2]);
    // Somebody who was not in the queue was faster: it waits on, and nobody is troubled.
    first.looks[1]?.resolve("nothing");
    await turns(2);
    expect([first.looks.length, second.looks.length, parked.waiting()]).toEqual([2, 1, 2]);
  });

  test("a wake of a claimer that leaves before it looks goes to the next", async () => {
    const { parked, twoWaiting } = createQueue();
    const [first, second] = await twoWaiting();
    parked.opened(WORK);
    first.leave();
    await turns(2);
    expect([first.looks.length, second.looks.length]).toEqual([1, 2]);
    expect(await first.answer).toBe("nothing");
  });

  test("a wake that comes while a claimer finds something else goes to the next", async () => {
    const { parked, twoWaiting } = createQueue();
    const [first, second] = await twoWaiting();
    parked.opened(WORK);
    await turns(2);
    // Both are in the queue; the second piece of work goes to ben, the third to ann, who is still looking.
    parked.opened(WORK);
    parked.opened(WORK);
    await turns(2);
    expect([first.looks.length, second.looks.length]).toEqual([2, 2]);
    second.looks[1]?.resolve("nothing");
    await turns(2);
    first.looks[1]?.resolve("work");
    expect(await first.answer).toBe("work");
    await turns(2);
    expect(second.looks.length).toBe(3);
  });

  test("a wake of a claimer that is refused goes to the next", async () => {
    const { parked, twoWaiting } = createQueue();
    const [first, second] = await twoWaiting();
    parked.opened(WORK);
    await turns(2);
    first.looks[1]?.reject(new Error("superseded"));
    expect(first.answer).rejects.toThrow("superseded");
    await turns(2);
    expect(second.looks.length).toBe(2);
  });

  test("a wake of a claimer that is no longer ready goes to the next, once", async () => {
    const { parked, waits, twoWaiting } = createQueue();
    const [first, second] = await twoWaiting();
    parked.opened(WORK);
    await turns(2);
    waits.setReady({ agentId: "ann", ready: false });
    first.state.mayClaim = false;
    first.looks[1]?.resolve("nothing");
    await turns(2);
    expect([first.looks.length, second.looks.length]).toEqual([2, 2]);
    second.looks[1]?.resolve("work");
    await turns(2);
    expect([first.looks.length, parked.waiting()]).toEqual([2, 1]);
    waits.setReady({ agentId: "ann", ready: true });
    await turns(2);
    expect(first.looks.length).toBe(3);
  });

  test("a wake of a claimer that finds other work first goes to the next, and ends with one for whom it is not open any more", async () => {
    const { parked, twoWaiting } = createQueue();
    const [first, second] = await twoWaiting();
    for (const { state } of [first, second]) state.isOpen = false;
    parked.opened(WORK);
    await turns(2);
    first.looks[1]?.resolve("other");
    expect(await first.answer).toBe("other");
    await turns(2);
    second.looks[1]?.resolve("nothing");
    await turns(2);
    expect([first.looks.length, second.looks.length]).toEqual([2, 2]);
  });

  test("a wake passes over a claimer that was refused what woke it, until that is woken otherwise", async () => {
    const { parked, waits, twoWaiting } = createQueue();
    const [first, second] = await twoWaiting();
    first.state.mayClaim = false;
    parked.opened(WORK);
    await turns(2);
    first.looks[1]?.resolve("nothing");
    await turns(2);
    expect([first.looks.length, second.looks.length]).toEqual([2, 2]);
    second.looks[1]?.resolve("work");
    await turns(2);
    parked.opened(WORK);
    await turns(2);
    expect(first.looks.length).toBe(2);
    waits.nudge("ann");
    await turns(2);
    expect(first.looks.length).toBe(3);
    first.looks[2]?.resolve("nothing");
    await turns(2);
    parked.opened(WORK);
    await turns(2);
    expect(first.looks.length).toBe(4);
  });

  test("a wake passes over who is not ready, as often as work comes", async () => {
    const { parked, waits, twoWaiting } = createQueue();
    const [first, second] = await twoWaiting();
    waits.setReady({ agentId: "ann", ready: false });
    for (let looks = 2; looks < 5; looks++) {
      parked.opened(WORK);
      await turns(2);
      expect([first.looks.length, second.looks.length]).toEqual([1, looks]);
      second.looks.at(-1)?.resolve("nothing");
      await turns(2);
    }
  });

  test.each([
    ["kinds", { kinds: ["request"] }],
    ["topics", { topics: ["ship"] }],
  ])("a wake passes over who waits for other %s", async (_, want) => {
    const { parked, twoWaiting } = createQueue();
    const [first, second] = await twoWaiting(want);
    parked.opened(WORK);
    await turns(2);
    expect([first.looks.length, second.looks.length]).toEqual([1, 2]);
    parked.opened({ ...WORK, kind: "request", topic: "ship" });
    await turns(2);
    expect(first.looks.length).toBe(2);
  });

  test("a wake of a claimer that has left the group goes to the next", async () => {
    const { parked, twoWaiting } = createQueue();
    const [first, second] = await twoWaiting();
    parked.opened(WORK);
    await turns(2);
    first.targets = ["tag:other"];
    first.state.mayClaim = false;
    first.looks[1]?.resolve("nothing");
    await turns(2);
    expect(second.looks.length).toBe(2);
  });

  test("a wake finds nobody once the time of all is up", async () => {
    const { parked, clock, twoWaiting } = createQueue();
    const [first, second] = await twoWaiting();
    clock.advance(60_000);
    expect([await first.answer, await second.answer]).toEqual(["nothing", "nothing"]);
    expect(parked.waiting()).toBe(0);
    parked.opened(WORK);
    await turns(2);
    expect([first.looks.length, second.looks.length]).toEqual([1, 1]);
  });
});
