import { describe, expect, test } from "bun:test";
import { Paused, type Said, startWorld, type World } from "../../support/talk.ts";

/** A tenth of what people have: the rule is the same. */
const LIMIT = 10;
/** Far more than a chain may have. */
const MANY = 4 * LIMIT;
const JOBS = 3 * LIMIT;

const world = () => startWorld({ loopLimit: LIMIT, loopWindowSeconds: 1800 });

async function outcome(run: (w: World) => Promise<unknown>): Promise<"paused" | "fine"> {
  try {
    await run(await world());
    return "fine";
  } catch (error) {
    if (error instanceof Paused) return "paused";
    throw error;
  }
}

const turn = (i: number): [string, string] => (i % 2 ? ["b", "a"] : ["a", "b"]);
const names = (n: number, prefix = "m") => Array.from({ length: n }, (_, i) => `${prefix}${i}`);

type Case = [name: string, run: (w: World, gap: number) => Promise<unknown>];

const PAUSED: Case[] = [
  [
    "each replies to the last",
    async (w, gap) => {
      let last = await w.send("a", "b");
      for (let i = 1; i < MANY; i++) {
        w.tick(gap);
        last = await w.send(...turn(i), { replyTo: last });
      }
    },
  ],
  [
    "each replies to the first",
    async (w, gap) => {
      const root = await w.send("a", "b");
      for (let i = 1; i < MANY; i++) {
        w.tick(gap);
        await w.send(...turn(i), { replyTo: root });
      }
    },
  ],
  [
    "nobody says what it answers",
    async (w, gap) => {
      for (let i = 0; i < MANY; i++) {
        w.tick(gap);
        await w.send(...turn(i));
      }
    },
  ],
  [
    "each says that nothing caused it",
    async (w, gap) => {
      for (let i = 0; i < MANY; i++) {
        w.tick(gap);
        await w.send(...turn(i), { causedBy: null });
      }
    },
  ],
  [
    "each says that nothing caused it, and replies",
    async (w, gap) => {
      let last = await w.send("a", "b");
      for (let i = 1; i < MANY; i++) {
        w.tick(gap);
        last = await w.send(...turn(i), { replyTo: last, causedBy: null });
      }
    },
  ],
  [
    "each replies to an open request of a group",
    async (w, gap) => {
      w.groups.set("g", ["a", "b"]);
      const request = await w.ask("a", "g");
      for (let i = 1; i < MANY; i++) {
        w.tick(gap);
        await w.send(...turn(i), { replyTo: request });
      }
    },
  ],
  [
    "each replies to a request, the first time with the answer",
    async (w, gap) => {
      const request = await w.ask("a", "b");
      for (let i = 1; i < MANY; i++) {
        w.tick(gap);
        await w.send(...turn(i), { replyTo: request });
      }
    },
  ],
  [
    "each replies to an answered request",
    async (w, gap) => {
      const request = await w.ask("a", "b");
      await w.answer("b", request);
      for (let i = 0; i < MANY; i++) {
        w.tick(gap);
        await w.send(...turn(i), { replyTo: request });
      }
    },
  ],
  [
    "each begins anew, and is answered by name",
    async (w, gap) => {
      for (let i = 0; i < MANY; i++) {
        const [from, to] = turn(i);
        w.tick(gap);
        const root = await w.send(from, to);
        w.tick(gap);
        await w.send(to, from, { replyTo: root });
      }
    },
  ],
  [
    "three in a ring that name nothing",
    async (w, gap) => {
      const ring = ["a", "b", "c"];
      for (let i = 0; i < MANY; i++) {
        w.tick(gap);
        await w.send(ring[i % 3] as string, ring[(i + 1) % 3] as string);
      }
    },
  ],
  [
    "three in a ring that reply",
    async (w, gap) => {
      const ring = ["a", "b", "c"];
      let last = await w.send("a", "b");
      for (let i = 1; i < MANY; i++) {
        w.tick(gap);
        last = await w.send(ring[i % 3] as string, ring[(i + 1) % 3] as string, { replyTo: last });
      }
    },
  ],
  [
    "two in a group",
    async (w, gap) => {
      w.groups.set("g", ["a", "b"]);
      for (let i = 0; i < MANY; i++) {
        w.tick(gap);
        await w.send(turn(i)[0], "g");
      }
    },
  ],
  [
    "one writes to the group, the other back to it",
    async (w, gap) => {
      w.groups.set("g", ["a", "b"]);
      for (let i = 0; i < MANY; i++) {
        w.tick(gap);
        await (i % 2 ? w.send("b", "a") : w.send("a", "g"));
      }
    },
  ],
  [
    "jobs inside jobs, none of which ends",
    async (w, gap) => {
      let job = await w.job("a", "b");
      for (let i = 1; i < MANY; i++) {
        w.tick(gap);
        job = await w.job(...turn(i), { under: job });
      }
    },
  ],
  [
    "mutual requests, each answered before the next",
    async (w, gap) => {
      for (let i = 0; i < MANY; i++) {
        const [from, to] = turn(i);
        const request = await w.ask(from, to);
        w.tick(gap);
        await w.answer(to, request);
        w.tick(gap);
      }
    },
  ],
  [
    "jobs to and fro, the next given before completing",
    async (w, gap) => {
      let job = await w.job("a", "b");
      for (let i = 1; i < MANY; i++) {
        w.tick(gap);
        const next = await w.job(...turn(i), { under: job });
        await w.complete(turn(i)[0], job, false);
        job = next;
      }
    },
  ],
  [
    "jobs to and fro, completed first",
    async (w, gap) => {
      let job = await w.job("a", "b");
      for (let i = 1; i < MANY; i++) {
        w.tick(gap);
        await w.complete(turn(i)[0], job, i % 2 === 0);
        w.tick(gap);
        job = await w.job(...turn(i));
      }
    },
  ],
];

const FINE: Case[] = [
  [
    "jobs one after another",
    async (w, gap) => {
      for (let i = 0; i < JOBS; i++) {
        const job = await w.job("p", "w");
        w.tick(gap);
        await w.complete("w", job);
      }
    },
  ],
  [
    "requests one after another",
    async (w, gap) => {
      for (let i = 0; i < JOBS; i++) {
        const request = await w.ask("p", "w");
        w.tick(gap);
        await w.answer("w", request);
      }
    },
  ],
  [
    "jobs to a group whose results pour in",
    async (w, gap) => {
      const workers = names(5, "w");
      w.groups.set("g", workers);
      const jobs: Said[] = [];
      for (let i = 0; i < JOBS; i++) jobs.push(await w.job("c", "g"));
      for (const [i, job] of jobs.entries()) {
        w.tick(gap);
        await w.complete(workers[i % 5] as string, job);
        await w.job("c", "g");
      }
    },
  ],
  [
    "progress reports in each of many jobs",
    async (w, gap) => {
      for (let i = 0; i < 2 * LIMIT; i++) {
        const job = await w.job("p", "w");
        for (let k = 0; k < 5; k++) {
          w.tick(gap);
          await w.send("w", "p", { replyTo: job });
        }
        await w.complete("w", job);
      }
    },
  ],
  [
    "requests handed down three levels, again and again",
    async (w, gap) => {
      for (let i = 0; i < JOBS; i++) {
        const first = await w.ask("a", "b");
        const second = await w.ask("b", "c", { under: first });
        const third = await w.ask("c", "d", { under: second });
        w.tick(gap);
        await w.answer("d", third);
        await w.answer("c", second);
        await w.answer("b", first);
      }
    },
  ],
  [
    "a person and an agent",
    async (w, gap) => {
      for (let i = 0; i < MANY; i++) {
        const said = await w.send("user", "a");
        w.tick(gap);
        await w.send("a", "user", { replyTo: said });
      }
    },
  ],
  [
    "talk with a word of a person every few rounds",
    async (w, gap) => {
      for (let i = 0; i < JOBS; i++) {
        const said = await w.send("a", "b");
        w.tick(gap);
        await w.send("b", "a", { replyTo: said });
        if (i % 3 !== 2) continue;
        await w.send("user", "a");
        await w.send("user", "b");
      }
    },
  ],
  [
    "a question and its answer in each of many jobs",
    async (w, gap) => {
      for (let i = 0; i < JOBS; i++) {
        const job = await w.job("p", "w");
        w.tick(gap);
        const question = await w.send("w", "p", { replyTo: job });
        w.tick(gap);
        await w.send("p", "w", { replyTo: question });
        w.tick(gap);
        await w.complete("w", job);
      }
    },
  ],
  [
    "the same with nothing named but the lease",
    async (w, gap) => {
      for (let i = 0; i < JOBS; i++) {
        const job = await w.job("p", "w");
        w.tick(gap);
        await w.send("w", "p", { under: job });
        w.tick(gap);
        await w.send("p", "w");
        w.tick(gap);
        await w.complete("w", job);
      }
    },
  ],
  [
    "many runs report to their asker, who tells its lead and starts the next",
    async (w, gap) => {
      for (let i = 0; i < JOBS; i++) {
        const run = await w.job("a", "child");
        w.tick(gap);
        await w.complete("child", run);
        w.tick(gap);
        await w.send("a", "lead");
      }
    },
  ],
];

const GAPS = [0, 20_000];
const withGaps = (cases: Case[]) =>
  cases.flatMap(([name, run]) => GAPS.map((gap) => [`${name}, ${gap / 1000} s apart`, run, gap] as const));

describe("a chain is paused where", () => {
  test.each(withGaps(PAUSED))("a chain is paused where %s", async (_, run, gap) => {
    expect(await outcome((w) => run(w, gap))).toBe("paused");
  });

  test("a chain is paused where a reporter and its reader write to each other and both read", async () => {
    const result = await outcome(async (w) => {
      for (let i = 0; i < MANY; i++) {
        w.tick(5000);
        await w.send("r", "p");
        await w.send("p", "r");
      }
    });
    expect(result).toBe("paused");
  });

  test("a chain is paused where two of a group write to it, and the third answers one of them directly", async () => {
    const result = await outcome(async (w) => {
      w.groups.set("g", ["a", "b", "c"]);
      for (let i = 0; i < MANY; i++) {
        w.tick(5000);
        await w.send("a", "g");
        await w.send("b", "a");
        await w.send("c", "g");
      }
    });
    expect(result).toBe("paused");
  });

  test("a chain is paused where five in a ring all name the first message", async () => {
    const result = await outcome(async (w) => {
      w.groups.set("g", names(5));
      const root = await w.send("m0", "g");
      for (let i = 1; i < MANY; i++) await w.send(`m${i % 5}`, `m${(i + 1) % 5}`, { replyTo: root });
    });
    expect(result).toBe("paused");
  });

  test("a chain is paused where two answer each other beside a third that writes to both", async () => {
    const result = await outcome(async (w) => {
      for (let i = 0; i < MANY; i++) {
        w.tick(5000);
        await w.send("t", "a");
        await w.send("t", "b");
        await w.send(...turn(i));
      }
    });
    expect(result).toBe("paused");
  });

  test("a chain is paused where two of a busy group answer each other while forty others report to it", async () => {
    const result = await outcome(async (w) => {
      const others = names(6);
      w.groups.set("g", ["a", "b", ...others]);
      for (let i = 0; i < MANY; i++) {
        w.tick(1000);
        for (const other of others) await w.send(other, "g", { causedBy: null });
        await w.send(turn(i)[0], "g");
      }
    });
    expect(result).toBe("paused");
  });

  test("a chain is paused where each message is planned for a second later", async () => {
    const w = await world();
    let refused = "";
    for (let i = 0; i < MANY && !refused; i++) {
      const [from, to] = turn(i);
      for (const name of [from, to]) await w.of(name);
      await w.reads(from);
      const deliverAt = new Date(w.relay.clock.now() + 1000).toISOString();
      const draft = { to: w.idOf(to), body: "and you?", deliverAt };
      await w.relay.ask("POST", "/v1/messages", draft, await w.of(from));
      await w.relay.pass(1000);
      const told = await w.relay.ask("GET", `/v1/messages?to=${w.idOf(from)}&from=system`);
      refused = told.body.items.find(({ subject }: { subject: string }) => /was not sent/.test(subject))?.body ?? "";
    }
    expect(refused).toContain("is paused");
  });
});

describe("no chain is paused by", () => {
  test.each(withGaps(FINE))("no chain is paused by %s", async (_, run, gap) => {
    expect(await outcome((w) => run(w, gap))).toBe("fine");
  });

  const ALONE: [string, (w: World) => Promise<unknown>][] = [
    [
      "a report every two minutes, and a job after every fifth",
      async (w) => {
        for (let i = 0; i < 10 * LIMIT; i++) {
          w.tick(120_000);
          await w.send("r", "p");
          if (i % 5 !== 0) continue;
          const job = await w.job("p", "r");
          w.tick(1000);
          await w.complete("r", job);
        }
      },
    ],
    [
      "fifty members that report to their group once a minute",
      async (w) => {
        const members = names(50);
        w.groups.set("g", members);
        for (let i = 0; i < 150; i++) {
          w.tick(1300);
          await w.send(members[i % 50] as string, "g");
        }
      },
    ],
    [
      "a reporter that never reads",
      async (w) => {
        w.silent.add("r");
        for (let i = 0; i < MANY; i++) {
          w.tick(5000);
          await w.send("r", "p");
          await w.send("p", "r");
        }
      },
    ],
    [
      "a worker that reports on its job by name, and never reads the thanks",
      async (w) => {
        w.silent.add("w");
        const job = await w.job("p", "w");
        await w.claim("w", job);
        for (let i = 0; i < MANY; i++) {
          w.tick(5000);
          await w.send("w", "p", { replyTo: job });
          await w.send("p", "w", { replyTo: job });
        }
      },
    ],
    [
      "broadcasts that ten members confirm each time",
      async (w) => {
        const members = names(10);
        w.groups.set("g", members);
        for (let i = 0; i < 2 * LIMIT; i++) {
          w.tick(120_000);
          await w.send("c", "g");
          for (const member of members) await w.send(member, "c");
        }
      },
    ],
    [
      "the same with causedBy null on each broadcast",
      async (w) => {
        const members = names(10);
        w.groups.set("g", members);
        for (let i = 0; i < 2 * LIMIT; i++) {
          w.tick(120_000);
          await w.send("c", "g", { causedBy: null });
          for (const member of members) await w.send(member, "c");
        }
      },
    ],
    [
      "the same as requests that are answered",
      async (w) => {
        const members = names(5);
        for (let i = 0; i < 2 * LIMIT; i++) {
          w.tick(10_000);
          const requests: Said[] = [];
          for (const member of members) requests.push(await w.ask("c", member));
          for (const [k, member] of members.entries()) await w.answer(member, requests[k] as Said);
        }
      },
    ],
    [
      "jobs in one thread, each naming the one before",
      async (w) => {
        let job: Said | undefined;
        for (let i = 0; i < MANY; i++) {
          job = await w.job("p", "w", job ? { replyTo: job } : {});
          w.tick(1000);
          await w.complete("w", job);
        }
      },
    ],
    [
      "members that answer one question of a group by name, twice each",
      async (w) => {
        const members = names(2 * LIMIT);
        w.groups.set("g", members);
        const question = await w.send("c", "g");
        for (let i = 0; i < 2; i++) for (const member of members) await w.send(member, "c", { replyTo: question });
      },
    ],
    [
      "a coordinator that asks many by chat, each of whom answers",
      async (w) => {
        for (const member of names(2 * LIMIT)) {
          await w.send("c", member);
          w.tick(1000);
          await w.send(member, "c");
          w.tick(1000);
        }
      },
    ],
    [
      "the same by replies",
      async (w) => {
        for (const member of names(2 * LIMIT)) {
          const question = await w.send("c", member);
          w.tick(1000);
          await w.send(member, "c", { replyTo: question });
          w.tick(1000);
        }
      },
    ],
    [
      "a worker of many jobs that tells a third agent after each",
      async (w) => {
        for (let i = 0; i < JOBS; i++) {
          const job = await w.job("p", "w");
          await w.send("w", "log", { under: job });
          await w.complete("w", job);
          await w.send("w", "log");
        }
      },
    ],
    [
      "a slow exchange by name, longer apart than the window",
      async (w) => {
        let last = await w.send("a", "b");
        for (let i = 1; i < MANY; i++) {
          w.tick(1_800_001);
          last = await w.send(...turn(i), { replyTo: last });
        }
      },
    ],
  ];
  test.each(ALONE)("no chain is paused by %s", async (_, run) => {
    expect(await outcome(run)).toBe("fine");
  });
});
