import { GROUPS } from "../../src/cli/all-groups.ts";
import { runCommand } from "../../src/cli/command-line.ts";

/** A command line for this process, and the program that it takes itself for. */
export interface WarmCall {
  program: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
  stdin: string;
}

/** Replaces what a process gets from its start. */
function become({ program, args, env, cwd, stdin }: WarmCall): void {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.chdir(cwd);
  process.argv = [process.execPath, program, ...args];
  Reflect.set(Bun, "main", program);
  Reflect.set(Bun, "stdin", new Blob([stdin]));
  process.exitCode = 0;
}

/** Keeps what is written to a stream, until its end. */
function capture(stream: NodeJS.WriteStream) {
  const { write } = stream;
  let written = "";
  stream.write = (text: string | Uint8Array, ...more: unknown[]) => {
    written += typeof text === "string" ? text : new TextDecoder().decode(text);
    const done = more.at(-1);
    if (typeof done === "function") done();
    return true;
  };
  return () => {
    stream.write = write;
    return written;
  };
}

process.exit = (code) => {
  throw new Error(`the command ends its process with ${code}: give it one of its own`);
};

/** Runs commands one after the other, as their processes would. */
process.on("message", async (call: WarmCall) => {
  become(call);
  const [stdout, stderr] = [capture(process.stdout), capture(process.stderr)];
  await runCommand(GROUPS);
  process.send?.({ code: Number(process.exitCode), stdout: stdout(), stderr: stderr() });
  for (const signal of ["SIGINT", "SIGTERM"]) process.removeAllListeners(signal);
  // The folder of the call goes with its test.
  process.chdir("/");
});
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
