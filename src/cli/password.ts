import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { EXIT, Stop } from "./exit.ts";
import { givenPassword } from "./settings.ts";

const NONE = "Set SIGNALBOX_PASSWORD, or type the password: run this on a terminal, with the text as an argument.";

/** Password of encrypted messages: from the environment, else typed without an echo. @throws Stop where neither is possible */
export async function password(): Promise<string> {
  const given = givenPassword();
  if (given !== undefined) return given;
  if (!process.stdin.isTTY) throw new Stop(EXIT.usage, NONE);
  process.stderr.write("Password: ");
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  const typed = await new Promise<string>((resolve) => {
    lines.once("line", resolve);
    lines.once("close", () => resolve(""));
  });
  lines.close();
  process.stderr.write("\n");
  if (typed === "") throw new Stop(EXIT.usage, "No password was typed.");
  return typed;
}
