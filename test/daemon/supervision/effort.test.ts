import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { inPs, lookAround } from "../../../src/daemon/supervision/effort.ts";
import { atEnd } from "../../support/relay.ts";

test("the processes below one are found in the output of ps, as macOS and Linux write it", () => {
  const mac = `
    1     0   1:02.50 12-03:04:05
  100     1   0:00.53    01:40
  101   100  12:34.56       00:07
  102   101   0:00.00 01:00:00
  200     1   0:09.00       05:00
`;
  const effortOf = inPs(mac);
  expect(effortOf(100)).toEqual({
    ...{ pid: 100, ticks: 53, ageMs: 100_000 },
    below: [
      { pid: 101, ticks: 75_456, ageMs: 7_000 },
      { pid: 102, ticks: 0, ageMs: 3_600_000 },
    ],
  });
  expect(effortOf(200)).toEqual({ pid: 200, ticks: 900, ageMs: 300_000, below: [] });
  expect(effortOf(7)).toBeUndefined();
  const linux = inPs("  100       1 00:00:01 1-00:00:00\n  101     100 1-00:00:00 00:01\nrubbish\n");
  expect(linux(100)).toEqual({
    ...{ pid: 100, ticks: 100, ageMs: 86_400_000 },
    below: [{ pid: 101, ticks: 8_640_000, ageMs: 1_000 }],
  });
});

test("this machine says what runs below a process, and nothing of one that is gone", async () => {
  const child = spawn("/bin/sh", ["-c", "read line"], { stdio: ["pipe", "ignore", "ignore"] });
  atEnd(async () => void child.kill());
  const found = (await lookAround())(process.pid);
  expect(found?.ticks).toBeGreaterThan(0);
  const mine = found?.below.find(({ pid }) => pid === child.pid);
  expect(mine?.ageMs).toBeLessThan(60_000);
  expect((await lookAround())(2 ** 30)).toBeUndefined();
});
