import { describe, expect, test } from "bun:test";
import { HarnessError } from "../../../../src/harness/errors.ts";
import { startContained } from "../../../../src/harness/providers/process/contained.ts";
import { findMarked, signalProcess, startTicksOf } from "../../../../src/harness/providers/process/processes.ts";
import { endMarked } from "../../../../src/harness/providers/process/sweep.ts";
import { markedFromOutside, newSessionId, QUICK_SWEEP, startScript } from "../../../support/providers/processes.ts";
import { inTime, until } from "../../../support/until.ts";

const isLinux = process.platform === "linux";

describe.skipIf(!isLinux)("a process of a session", () => {
  test("G13: a process that tools of their own sessions outlive is ended with all of them, counted from outside", async () => {
    // A tool in a session of its own, one that double-forks, one that ignores TERM, one that leaves the group's pipes.
    const { contained, sessionId } = await startScript(
      `setsid sleep 300 & (setsid sh -c 'sleep 301 & sleep 302' &) ; sh -c 'trap "" TERM; sleep 303; sleep 304' &
       nohup sleep 305 >/dev/null 2>&1 </dev/null & echo '{"up":true}'; wait`,
    );
    await until(() => markedFromOutside(sessionId).length >= 8);
    const end = await contained.close({ graceMs: 100 });
    expect(end).toMatchObject({ signal: "SIGTERM", left: [] });
    expect(markedFromOutside(sessionId)).toEqual([]);
    expect(await contained.exited).toBe(end);
  });

  test("G13: a process that ignores TERM is killed, and so is one that forks while it is ended", async () => {
    const { contained, sessionId, lines } = await startScript(
      `trap '' TERM; (setsid sh -c 'trap "" TERM; while :; do sleep 0.01 & done' &); echo '{}'; sleep 300; sleep 300`,
    );
    await until(() => lines.length === 1);
    expect(await contained.close({ graceMs: 100 })).toMatchObject({ signal: "SIGKILL", left: [] });
    expect(markedFromOutside(sessionId)).toEqual([]);
  });

  test("G13: a process that ends by itself takes what it started with it", async () => {
    const { contained, sessionId } = await startScript("setsid sleep 300 & echo oops >&2; sleep 0.2; exit 3");
    const end = await inTime(contained.exited, "the exit");
    expect(end).toEqual({ code: 3, signal: null, stderr: "oops\n", left: [] });
    expect(markedFromOutside(sessionId)).toEqual([]);
    expect(contained.write({})).rejects.toBeInstanceOf(HarnessError);
    expect(await contained.close()).toBe(end);
  });

  test("G13: a process that ends at the end of its input is not signalled", async () => {
    const { contained } = await startScript("cat >/dev/null; exit 0");
    expect(await contained.close({ graceMs: 60_000 })).toMatchObject({ code: 0, signal: null });
  });

  test("G13: a session that a daemon left is found by its marker and ended, others are not touched", async () => {
    const mine = await startScript("setsid sleep 300 & wait");
    const other = await startScript("exec sleep 300");
    await until(async () => markedFromOutside(mine.sessionId).length === 2);
    const found = (await findMarked()).filter(({ sessionId }) => sessionId === mine.sessionId);
    expect(found).toHaveLength(2);
    expect(found.map(({ pid }) => pid).sort()).toEqual(markedFromOutside(mine.sessionId).sort());
    expect(found).toContainEqual({
      sessionId: mine.sessionId,
      pid: mine.contained.pid,
      startTicks: mine.contained.startTicks,
      command: "/bin/sh",
    });
    expect(await endMarked(mine.sessionId, QUICK_SWEEP)).toEqual([]);
    expect(markedFromOutside(mine.sessionId)).toEqual([]);
    expect(markedFromOutside(other.sessionId)).toHaveLength(1);
  });

  test("G13: a process that cannot be ended is reported", async () => {
    const { contained, sessionId } = await startScript("exec sleep 300");
    // A process in the middle of its exec has no environment to read.
    await until(() => markedFromOutside(sessionId).length === 1);
    const left = await endMarked(sessionId, { ...QUICK_SWEEP, limitMs: 1 });
    expect(left).toEqual([{ pid: contained.pid, startTicks: contained.startTicks, command: expect.any(String) }]);
  });

  test("G13: a later process with the same pid is left alone", async () => {
    const { contained } = await startScript("exec sleep 300");
    const { pid, startTicks } = contained;
    expect(await startTicksOf(pid)).toBe(startTicks);
    await signalProcess({ pid, startTicks: startTicks - 1, command: "" }, "SIGKILL");
    expect(await startTicksOf(pid)).toBe(startTicks);
    await signalProcess({ pid, startTicks, command: "" }, "SIGKILL");
    expect((await contained.exited).signal).toBe("SIGKILL");
    expect(await startTicksOf(pid)).toBeNull();
  });

  test("a process gets the given environment and the marker, and nothing of ours", async () => {
    const { contained, sessionId, noise } = await startScript("/usr/bin/env", { environment: { ONE: "1" } });
    await contained.exited;
    const own = noise.filter((line) => !/^(PWD|SHLVL|_|OLDPWD)=/.test(line));
    expect(own.sort()).toEqual(["ONE=1", `SIGNALBOX_SESSION=${sessionId}`]);
  });

  test("a command that is missing, or a folder that is, is said with the thing to do", async () => {
    const task = { environment: {}, sessionId: newSessionId(), onLine: () => undefined, onNoise: () => undefined };
    for (const words of [["no-such-cli"], ["/nowhere/cli"], ["/etc/passwd"]])
      expect(startContained({ ...task, words, cwd: "/" })).rejects.toThrow(/no-such-cli|\/nowhere\/cli|\/etc\/passwd/);
    const lost = startContained({ ...task, words: ["/bin/sh"], cwd: "/nowhere" });
    expect(lost).rejects.toThrow("The folder /nowhere does not exist. Create it, or name another.");
  });

  test("a process that does not read its input refuses more of it at a bound", async () => {
    const { contained } = await startScript("exec sleep 300");
    const writes = Array.from({ length: 40 }, () => contained.write({ text: "x".repeat(1024 * 1024) }));
    const refused = Promise.any(
      writes.map((one) =>
        one.then(
          () => Promise.reject(),
          (error: Error) => error.message,
        ),
      ),
    );
    expect(await inTime(refused, "a refusal")).toBe("The CLI does not read its input.");
    await contained.close({ graceMs: 0 });
    await Promise.allSettled(writes);
  });

  test("the end of what a process complains is kept, without colours", async () => {
    const { contained } = await startScript(`seq 1 20000 >&2; printf '\\033[31mred\\033[0m\\n' >&2`);
    const { stderr } = await contained.exited;
    expect(stderr).toEndWith("20000\nred\n");
    expect(stderr.length).toBeLessThanOrEqual(4000);
  });
});
