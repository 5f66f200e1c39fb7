import type { Command } from "commander";
import { outputOf } from "../context.ts";
import { storyText } from "../explain.ts";
import type { Output } from "../output.ts";
import { onScratchRelay } from "../scratch-relay.ts";
import { safeLine } from "../screen.ts";
import { play, type Scene } from "./story.ts";

export function addDemoCommand(program: Command): void {
  program
    .command("demo")
    .description("Watch two scripted agents talk, hand over work and delegate, on a scratch relay")
    .helpGroup("The program:")
    .addHelpText("after", HELP)
    .action((_: object, command: Command) => run(outputOf(command)));
}

const HELP = `
The relay is a process of its own on loopback, with its data in a temporary folder that is removed at the end. It takes a few
seconds, and nothing of a relay of yours is touched.

Example:
  $ signalbox demo`;

const END = `
Nothing of this stays. Your own relay:
  $ signalbox serve
  $ signalbox connect claude --agent reviewer
  $ signalbox send reviewer "Is main green?"
  $ signalbox explain 1`;

async function run(out: Output): Promise<void> {
  await onScratchRelay({ name: "demo" }, async (relay) => {
    out.note("Starting a relay on scratch data ...");
    await relay.start();
    out.note(`It listens on ${relay.url()}.`);
    let chapters = 0;
    await play(relay, (scene) => {
      if (scene.type === "chapter") chapters++;
      return out.item(scene, () => sceneText(scene, chapters, out));
    });
  });
  if (!out.json) out.note(END);
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
