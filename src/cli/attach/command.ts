import type { Session } from "../../protocol/sessions.ts";
import type { CliCommand } from "../commands.ts";
import type { Context } from "../context.ts";
import { EXIT, Stop } from "../exit.ts";
import { awayText } from "../run-watch.ts";
import { safeLine } from "../screen.ts";
import { ABOUT_SESSION, SESSION, sessionOf } from "../session-word.ts";
import { untilStopped } from "../stopped.ts";
import { type FeedItem, followWork } from "./feed.ts";
import { createHands } from "./hands.ts";
import { openPrompt } from "./prompt.ts";
import { type AttachView, createAttachView } from "./view.ts";
import { HELP, WORDS } from "./words.ts";

const HELP_TEXT = `
Shows what happens in it: words said to it, its answer as it comes, thinking and each call of a tool in one line, questions, changes
of its state. It goes on where it was when the relay restarts, and with each next run. On a terminal a line that you type goes to
the session. These are commands:
${HELP.map((line) => `  ${line}`).join("\n")}
Ctrl-C asks whether to interrupt the turn, a second one leaves, as does Ctrl-D. The session goes on.`;

export function addAttachCommand(program: CliCommand): void {
  program
    .sub("attach", "Watch a session live, and talk to it", "Sessions:")
    .argument(SESSION, ABOUT_SESSION)
    .addHelpText("after", HELP_TEXT)
    .example("attach ses_1a2b3c", "attach box-claude")
    .act(attach);
}

async function attach(context: Context, word: string): Promise<void> {
  const session = await sessionOf(context.client, word);
  if (session.state === "dead") throw new Stop(EXIT.problem, deadText(session));
  const { stdin, stdout } = process;
  if (context.out.json) await printItems(context, session);
  else if (stdin.isTTY && stdout.isTTY) await talk(context, session);
  else await printLines(context, session);
}

const deadText = ({ id, reason }: Session): string =>
  `${id} is dead${reason === null ? "" : `: ${reason}`}. Its runs: signalbox runs list --session-id ${id}`;

const headText = ({ id, agentId, name, cwd, orchestratorId }: Session): string =>
  safeLine([`${name ?? id} (${id})`, agentId, `on ${orchestratorId}`, cwd].filter(Boolean).join(" · "));

const againText = (inMs: number, cause: unknown): string =>
  `${awayText(cause)} Trying again in ${Math.ceil(inMs / 1000)} s.`;

/** One line of JSON for each item. */
async function printItems({ client, out }: Context, { id }: Session): Promise<void> {
  await followWork(client, id, {
    signal: untilStopped(),
    hear: (item) =>
      out.item(item.type === "part" ? { type: item.type, runId: item.run.id, ...item.part } : item, () => ""),
    onReconnect: (inMs, cause) => out.note(againText(inMs, cause)),
  });
}

/** Plain lines, without a prompt. */
async function printLines(context: Context, session: Session): Promise<void> {
  const { client, out } = context;
  const signal = untilStopped();
  const view = createAttachView(out);
  out.note(headText(session));
  await followWork(client, session.id, {
    signal,
    hear: async (item) => out.write(await textOf(context, view, item)),
    onReconnect: (inMs, cause) => out.note(againText(inMs, cause)),
  });
  await out.write(view.end());
  if (signal.aborted) out.note(`${session.id} goes on`);
}

/** Lines above a prompt. */
async function talk(context: Context, session: Session): Promise<void> {
  const { client, out } = context;
  const leave = new AbortController();
  const signal = AbortSignal.any([untilStopped(), leave.signal]);
  const view = createAttachView(out);
  const hands = createHands(context, session, view, {
    say: (text) => prompt.write(text),
    leave: () => leave.abort(),
  });
  const prompt = openPrompt({
    ...{ status: () => view.status(), words: WORDS, onText: hands.typed, onEnd: () => leave.abort() },
    onInterrupt: () => hands.interrupted((question, answered) => prompt.ask(question, answered)),
  });
  try {
    prompt.write(view.note(headText(session)));
    await followWork(client, session.id, {
      signal,
      hear: async (item) => prompt.write(await textOf(context, view, item)),
      onReconnect: (inMs, cause) => prompt.write(view.note(againText(inMs, cause))),
    });
  } finally {
    prompt.write(view.end());
    prompt.close();
  }
  const isDead = view.session()?.state === "dead";
  out.note(isDead ? `${session.id} has ended` : `Left: ${session.id} goes on`);
}

async function textOf({ client }: Context, view: AttachView, item: FeedItem): Promise<string> {
  const messageId = item.type === "run" ? item.run.messageId : null;
  // Some may read a session's runs, and not the messages that those work on.
  const message = messageId === null ? undefined : await client.messages.get(messageId).catch(() => undefined);
  return view.item(item, message);
}
