import { describe, expect, test } from "bun:test";
import { type ChildTask, CommandMissing, runChild } from "../../../src/harness/process/child.ts";
import { until } from "../../support/client-harness.ts";
import { inTime } from "../../support/until.ts";

const run = (script: string, more: Partial<ChildTask> = {}) =>
  runChild({
    file: "/bin/sh",
    args: ["-c", script],
    input: "",
    environment: {},
    signal: new AbortController().signal,
    maxOutput: 1024,
    onStderr: () => undefined,
    ...more,
  });

/** Whether it runs. One that has ended and that nobody has asked after yet does not. */
const isAlive = (pid: number) => {
  const state = Bun.spawnSync(["ps", "-o", "stat=", "-p", String(pid)])
    .stdout.toString()
    .trim();
  return state !== "" && !state.startsWith("Z");
};

describe("a command", () => {
  test("a command finds its input and environment, and its outputs are kept apart", async () => {
    const end = await run('cat; echo "$WHAT"; echo oops >&2; exit 7', { input: "in ", environment: { WHAT: "env" } });
    expect(end).toEqual({ code: 7, signal: null, stdout: "in env\n", stdoutBytes: 7, stderr: "oops\n" });
  });

  test("a command keeps the beginning of what it wrote and the end of what it complained", async () => {
    const end = await run("seq 1 20000; seq 1 20000 >&2");
    expect(end.stdout).toHaveLength(1024);
    expect(end.stdout).toStartWith("1\n2\n");
    expect(end.stdoutBytes).toBe(108_894);
    expect(end.stderr).toEndWith("19999\n20000\n");
    expect(end.stderr.length).toBe(4000);
  });

  test("a command need not read its input", async () => {
    expect((await run("exit 0", { input: "x".repeat(1_000_000) })).code).toBe(0);
  });

  test("a command that a signal ended says so", async () => {
    expect(await run("kill -9 $$")).toMatchObject({ code: null, signal: "SIGKILL" });
  });

  test("a command that cannot be started is told apart", async () => {
    expect(run("", { file: "/nonexistent/command" })).rejects.toBeInstanceOf(CommandMissing);
    expect(run("", { file: "/etc/passwd" })).rejects.toBeInstanceOf(CommandMissing);
  });

  test("a command is ended with everything it started", async () => {
    const stop = new AbortController();
    let grandchild = 0;
    const onStderr = (text: string) => {
      grandchild = Number(text);
    };
    const ended = run("sleep 60 & echo $! >&2; wait", { signal: stop.signal, onStderr });
    await until(() => grandchild > 0);
    stop.abort();
    expect((await ended).signal).toBe("SIGTERM");
    await until(() => !isAlive(grandchild));
  });

  test("a command is not waited for because of what it left running", async () => {
    const ended = run("sleep 100 & echo $! >&2; echo done");
    const end = await inTime(ended, "the end of the child", 90_000);
    expect(end).toMatchObject({ code: 0, stdout: "done\n" });
    process.kill(Number(end.stderr));
  });

  test("a command is not started when it is too late", async () => {
    expect(run("sleep 20", { signal: AbortSignal.abort(new Error("too late")) })).rejects.toThrow("too late");
  });
});
