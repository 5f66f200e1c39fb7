import type { CommandInput } from "../../protocol/commands.ts";
import type { Session } from "../../protocol/sessions.ts";
import { optionIn } from "../approvals.ts";
import type { Context } from "../context.ts";
import { carriedOut, daemonLines, resultOf } from "../daemon-answers.ts";
import { EXIT, Stop } from "../exit.ts";
import { safeText } from "../screen.ts";
import type { AttachView } from "./view.ts";
import { HELP, readTyped, type Typed } from "./words.ts";

interface Ways {
  /** Shows text above the prompt. */
  say(text: string): void;
  leave(): void;
}

type Ask = (question: string, answered: (line: string) => void) => void;

/** Deeds of a person at the prompt line. */
export function createHands({ client }: Context, session: Session, view: AttachView, { say, leave }: Ways) {
  const { id: sessionId, orchestratorId } = session;
  /** A second Ctrl-C leaves. */
  let isAsked = false;
  const out = { note: (text: string) => say(view.note(text)) };
  const command = (given: CommandInput) => carriedOut({ client, out }, orchestratorId, given);

  async function send(text: string): Promise<void> {
    const isBusy = view.session()?.state !== "idle";
    view.remember(text);
    const ended = await command({ do: "send", sessionId, text }).catch((error) => {
      view.forget(text);
      throw error;
    });
    const { mode } = resultOf(ended);
    if (mode === "steered") {
      view.forget(text);
      say(view.steered(text));
    } else if (isBusy) say(view.note("It is the next turn"));
  }

  /** Carries out a command, and shows the daemon's words. */
  async function ordered(given: CommandInput): Promise<void> {
    for (const line of daemonLines(await command(given)).flatMap((text) => text.split("\n"))) say(view.note(line));
  }

  async function answer({ decision, number, option: named, text }: Extract<Typed, { do: "answer" }>): Promise<void> {
    const { part } = view.approvals.named(number);
    if (part.cut && decision === "allow")
      throw new Stop(EXIT.usage, `It was not shown whole. Read it: signalbox approvals show ${part.id}`);
    const option = optionIn(part, named ?? decision);
    await client.approvals.answer(part.id, { option, hash: part.hash, ...(text && { text }) });
  }

  async function act(typed: Typed): Promise<void> {
    if (typed.do === "send") await send(typed.text);
    else if (typed.do === "interrupt" || typed.do === "peek") await ordered({ do: typed.do, sessionId });
    else if (typed.do === "kill") await ordered({ do: "kill", sessionId, reason: typed.reason });
    else if (typed.do === "answer") await answer(typed);
    else if (typed.do === "detach") leave();
    else if (typed.do === "help") for (const line of HELP) say(`  ${line}\n`);
    else if (typed.do === "unknown") throw new Stop(EXIT.usage, `There is no ${typed.word}. /help lists the commands.`);
  }

  const failed = (error: unknown): void =>
    say(view.failure(safeText(error instanceof Error ? error.message : String(error))));

  return {
    /** Takes a text from the prompt line. What comes of it is shown when it is known. */
    typed: (text: string): void => void act(readTyped(text)).catch(failed),

    /** Ctrl-C: asks whether to interrupt the turn; the second one leaves. */
    interrupted(ask: Ask): void {
      if (isAsked) leave();
      isAsked = true;
      const runs = view.session()?.runId != null;
      const question = runs ? "Interrupt the turn? y/N, or Ctrl-C again to leave: " : "Ctrl-C again leaves: ";
      ask(question, (line) => {
        isAsked = false;
        if (runs && /^y(es)?$/i.test(line.trim())) void act({ do: "interrupt" }).catch(failed);
      });
    },
  };
}
