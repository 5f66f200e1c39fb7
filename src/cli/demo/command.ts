import type { Command } from "commander";
import { createClient } from "../../client/client.ts";
import { outputOf } from "../context.ts";
import { storyText } from "../explain.ts";
import type { Output } from "../output.ts";
import { onScratchRelay, type ScratchRelay } from "../scratch-relay.ts";
import { safeLine } from "../screen.ts";
import { fill, live } from "./life.ts";
import { startMachine } from "./machine.ts";
import { play, type Scene } from "./story.ts";

export function addDemoCommand(program: Command): void {
  program
    .command("demo")
    .description("Watch scripted agents at work on a scratch relay, and its console")
    .helpGroup("The program:")
    .option("--stay", "go on with a machine of agents and a console, until Ctrl-C; by itself on a terminal")
    .option("--no-stay", "end after the story")
    .addHelpText("after", HELP)
    .action(({ stay = process.stdout.isTTY }: { stay?: boolean }, command: Command) => run(outputOf(command), stay));
}

const HELP = `
The relay is a process of its own on loopback, with its data in a temporary folder that is removed at the end. The story takes a few
seconds. On a terminal the demo goes on with a machine of five agents, and prints a link to the console. Write to the agents there:
  /echo words   /context   /history   /agents   /delegate agent words   /trace   /approve command   /fail   /limit   /stuck
Anything else they take for work. Nothing of a relay of yours is touched.

Examples:
  $ signalbox demo
  $ signalbox demo --no-stay`;

const END = `
Nothing of this stays. Your own relay:
  $ signalbox serve
  $ signalbox connect claude --agent reviewer
  $ signalbox send reviewer "Is main green?"
  $ signalbox explain 1`;

const LIVE = `
Five agents are at work on the machine box: box-builder, box-reviewer, box-echo, box-dreamer and box-thrifty. One is stuck, one is at a
limit, and one waits for you. See and steer them in the console, by this link, once and within 10 minutes:
`;

async function run(out: Output, stay: boolean): Promise<void> {
  await onScratchRelay({ name: "demo" }, async (relay) => {
    out.note("Starting a relay on scratch data ...");
    await relay.start();
    out.note(`It listens on ${relay.url()}.`);
    let chapters = 0;
    await play(relay, (scene) => {
      if (scene.type === "chapter") chapters++;
      return out.item(scene, () => sceneText(scene, chapters, out));
    });
    if (stay && !out.json) await goOn(relay, out);
  });
  if (!out.json) out.note(END);
}

/** Fills the relay and keeps it busy, until Ctrl-C. */
async function goOn(relay: ScratchRelay, out: Output): Promise<never> {
  const url = relay.url();
  const operator = createClient({ url, token: relay.token() });
  out.note("\nStarting a machine of agents ...");
  await startMachine(relay, operator);
  await fill(operator, url);
  const link = await operator.signIn.createLink();
  out.note(`${LIVE}\n  ${link.url}\n\nCtrl-C ends everything. Another link: signalbox console --data ${relay.dataDir}`);
  return live(operator);
}

function sceneText(scene: Scene, chapter: number, out: Output): string {
  switch (scene.type) {
    case "chapter":
      return `\n${out.paint("bold", `${chapter}. ${scene.title}`)}`;
    case "message": {
      const { id, from, to, subject, body } = scene.message;
      const text = [subject, body].filter(Boolean).map((part) => safeLine(part ?? ""));
      return `   ${out.paint("cyan", `#${id}  ${safeLine(from)} → ${safeLine(to)}`)}  ${text.join(": ")}`;
    }
    case "note":
      return `   ${scene.text}`;
    case "proof": {
      const { messageId } = scene.explanation;
      return `\n   $ signalbox explain ${messageId}\n${storyText(scene.explanation, out).replace(/^(?=.)/gm, "   ")}`;
    }
  }
}
