import { describe, expect, test } from "bun:test";
import { nextTime, occurrenceBy } from "../../../src/features/schedules/times.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Nights in which clocks change: north and south, half an hour, at midnight, over midnight, and back to winter for a month. */
const NIGHTS = [
  ["Europe/Berlin", "2026-03-29"],
  ["Europe/Berlin", "2026-10-25"],
  ["America/New_York", "2026-03-08"],
  ["America/New_York", "2026-11-01"],
  ["Australia/Lord_Howe", "2026-04-05"],
  ["Australia/Lord_Howe", "2026-10-04"],
  ["Pacific/Auckland", "2026-09-27"],
  ["America/Santiago", "2026-04-05"],
  ["America/Santiago", "2026-09-06"],
  ["America/Havana", "2026-03-08"],
  ["America/Havana", "2026-11-01"],
  ["Asia/Beirut", "2026-03-29"],
  ["Asia/Beirut", "2026-10-25"],
  ["Africa/Cairo", "2026-04-24"],
  ["Africa/Cairo", "2026-10-30"],
  ["Atlantic/Azores", "2026-03-29"],
  ["Atlantic/Azores", "2026-10-25"],
  ["Africa/Casablanca", "2026-02-15"],
  ["Africa/Casablanca", "2026-03-22"],
  ["Asia/Kolkata", "2026-03-29"],
  ["UTC", "2026-03-29"],
] as const;

/** Every minute around a night, and what clocks there read: minutes since 1970, as if in UTC. */
function minutesOf(zone: string, night: string): { at: number; reads: number }[] {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
  const from = Date.parse(`${night}T00:00:00Z`) - 2 * DAY;
  return Array.from({ length: (4 * DAY) / MINUTE }, (_, index) => {
    const at = from + index * MINUTE;
    return { at, reads: Date.parse(`${format.format(at).replace(" ", "T")}Z`) / MINUTE };
  });
}

/** The numbers a field of numbers, ranges and steps means. */
function numbersOf(field: string, max: number): Set<number> {
  const numbers = new Set<number>();
  for (const member of field.split(",")) {
    const [range = "", step = "1"] = member.split("/");
    const [first = 0, last] = range === "*" ? [0, max] : range.split("-").map(Number);
    for (let n = first; n <= (last ?? first); n += Number(step)) numbers.add(n);
  }
  return numbers;
}

/** Reference that checks each minute: the plain meaning of minutes and hours of every day. */
function enumerate(cron: string, minutes: ReturnType<typeof minutesOf>): number[] {
  const [minuteField = "", hourField = ""] = cron.split(" ");
  const wanted = numbersOf(minuteField, 59);
  const times = new Set<number>();
  for (const member of hourField.split(",")) {
    const hours = numbersOf(member, 23);
    const fits = (reads: number) => wanted.has(reads % 60) && hours.has(Math.floor(reads / 60) % 24);
    if (member.startsWith("*")) for (const { at, reads } of minutes) if (fits(reads)) times.add(at);
    if (member.startsWith("*")) continue;
    let latest = minutes[0]?.reads ?? 0;
    for (const { at, reads } of minutes) {
      for (let passed = latest + 1; passed <= reads; passed++) if (fits(passed)) times.add(at);
      latest = Math.max(latest, reads);
    }
  }
  return [...times].sort((a, b) => a - b);
}

/** The same numbers in every run. */
function dice(seed: number) {
  let state = seed;
  return (sides: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

function fieldBy(roll: (sides: number) => number, max: number): string {
  const member = () => {
    const [a, b] = [roll(max + 1), roll(max + 1)];
    const range = `${Math.min(a, b)}-${Math.max(a, b)}`;
    return [`${a}`, `${b}`, range, `${range}/${1 + roll(6)}`, "*", `*/${1 + roll(max)}`][roll(6)] ?? "*";
  };
  return Array.from({ length: 1 + roll(3) }, member).join(",");
}

const inWords = (times: readonly number[]): string[] => times.map((time) => new Date(time).toISOString());

describe("times of a cron expression", () => {
  const GIVEN = [
    "30 2",
    "0,30 2",
    "0 2,14",
    "0 2,3",
    "30 1,2",
    "*/10 1-5/2",
    "0 */2",
    "15 */3,2",
    "59 23,0",
    "0 0-23",
    "* *",
  ];

  test.each(NIGHTS)(
    "times of a cron expression in %s around %s are those that a look at each minute finds",
    (zone, night) => {
      const minutes = minutesOf(zone, night);
      const roll = dice(Date.parse(night));
      const random = Array.from({ length: 2 }, () => `${fieldBy(roll, 59)} ${fieldBy(roll, 23)}`);
      for (const cron of [...GIVEN, ...random].map((hours) => `${hours} * * *`)) {
        const expected = enumerate(cron, minutes);
        const when = { at: null, cron, timezone: zone };
        const from = (minutes[0]?.at ?? 0) + 34 * HOUR;
        const to = from + 28 * HOUR;
        const found: number[] = [];
        for (let at = nextTime(when, from); at !== null && at <= to; at = nextTime(when, at)) found.push(at);
        const all = expected.filter((at) => at > from && at <= to);
        expect([cron, ...inWords(found)]).toEqual([cron, ...inWords(all)]);
        checkPassed(when, all, from, to, roll);
      }
    },
  );

  function checkPassed(
    when: Parameters<typeof occurrenceBy>[0],
    all: number[],
    from: number,
    to: number,
    roll: (sides: number) => number,
  ) {
    for (let i = 0; i < 2; i++) {
      const now = from + roll(to - from);
      const nextAt = all[0] ?? 0;
      const passed = all.filter((at) => at <= now);
      if (passed.length === 0 || now - nextAt < MINUTE) continue;
      const missed = Math.min(100, passed.length - 1);
      expect([when.cron, now, occurrenceBy(when, nextAt, now)]).toEqual([
        when.cron,
        now,
        { scheduledAt: passed.at(-1) ?? 0, missed },
      ]);
    }
  }

  test.each([
    // Days are those of the reading that the clocks left out.
    ["0,30 2 28 3 *", "Europe/Berlin", "2027-01-01", ["2027-03-28T01:00", "2028-03-28T00:00"]],
    ["0 2,14 28 3 *", "Europe/Berlin", "2027-01-01", ["2027-03-28T01:00", "2027-03-28T12:00"]],
    ["30 2 L 3 *", "Europe/Berlin", "2024-03-01", ["2024-03-31T01:00", "2025-03-31T00:30"]],
    ["30 2 * MAR SUNL", "Europe/Berlin", "2026-03-01", ["2026-03-29T01:00", "2027-03-28T01:00"]],
    ["0 0 6 SEP *", "America/Santiago", "2026-09-01", ["2026-09-06T04:00", "2027-09-06T03:00"]],
    ["@daily", "America/Santiago", "2026-09-05T12:00", ["2026-09-06T04:00", "2026-09-07T03:00"]],
    ["@hourly", "Europe/Berlin", "2026-10-25T00:30", ["2026-10-25T01:00", "2026-10-25T02:00"]],
    ["0 ? * * *", "Europe/Berlin", "2026-10-25T00:30", ["2026-10-25T01:00", "2026-10-25T02:00"]],
    ["0 0 29 2 *", "Asia/Kolkata", "2026-01-01", ["2028-02-28T18:30", "2032-02-28T18:30"]],
    ["0 * 1 1 *", "Europe/Berlin", "2026-06-01", ["2026-12-31T23:00", "2027-01-01T00:00"]],
  ])("the times of %s in %s after %s are those that it says", (cron, timezone, after, expected) => {
    const found: string[] = [];
    let at: number | null = Date.parse(after.includes("T") ? `${after}:00Z` : `${after}T00:00:00Z`);
    while (found.length < expected.length && at !== null) {
      at = nextTime({ at: null, cron, timezone }, at);
      if (at !== null) found.push(new Date(at).toISOString().slice(0, 16));
    }
    expect(found).toEqual(expected);
  });
});
