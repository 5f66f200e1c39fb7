import type { MessageDetail } from "../../protocol/messages.ts";
import type { Run } from "../../protocol/runs.ts";
import type { SessionChange } from "../../protocol/sessions.ts";
import type { Output } from "../output.ts";
import { requesterText } from "../run-text.ts";
import { createRunView } from "../run-view.ts";
import { safeLine } from "../screen.ts";
import { ENCRYPTED, timeText } from "../show.ts";
import { createApprovalBook } from "./approvals.ts";
import type { FeedItem } from "./feed.ts";

/** Parts that end a turn. */
const ENDS = new Set(["finish", "abort", "error"]);

type View = ReturnType<typeof createAttachView>;

export type { View as AttachView };

/** Text for a terminal of all that happens in a session. */
export function createAttachView(out: Pick<Output, "paint">) {
  const view = createRunView(out, { isFolded: true });
  const approvals = createApprovalBook();
  const dim = (text: string) => view.line(out.paint("dim", text));
  let shown = "";
  let now: SessionChange | undefined;
  /** Runs whose turn goes on. */
  const open = new Set<string>();
  /** Texts that were sent from here and wait for their turn. */
  const sent: string[] = [];

  /** Line of the state, where it is news. A run that begins, and a process that starts, show themselves. */
  function news(): string {
    const text = now && stateText(now);
    if (!now || !text || text === shown || now.state === "starting") return "";
    // Its run ends a moment later, or the next one has begun.
    if (now.state === "idle" && open.size > 0) return "";
    shown = text;
    return now.state === "working" ? "" : dim(`· ${text}`);
  }

  /** A turn goes on. Its end tells the state again, also where the states between came together and only the last was heard. */
  function begin(run: Run): void {
    open.add(run.id);
    shown = "";
  }

  function partText({ run, part: told }: Extract<FeedItem, { type: "part" }>): string {
    const { part } = told;
    if (part.type === "start") begin(run);
    if (!ENDS.has(String(part.type))) return view.part(told);
    open.delete(run.id);
    return view.part(told) + news();
  }

  /** `you` for a text that was sent from here. */
  function whose(run: Run, message: MessageDetail | undefined): string {
    const at = sent.indexOf(run.task);
    if (at < 0 || message) return whoseText(run, message);
    sent.splice(at, 1);
    return "you";
  }

  return {
    approvals,
    /** `message`: the one that the run works on, where the caller may read it. */
    async item(item: FeedItem, message: MessageDetail | undefined): Promise<string> {
      if (item.type === "session") {
        now = item.session;
        return news();
      }
      if (item.type === "run") {
        const { run, isCut } = item;
        begin(run);
        const head = dim(`── ${run.id} ${timeText(run.createdAt)}`);
        const text = run.encoding === "opaque" ? ENCRYPTED : run.task;
        const cut = isCut ? dim(`· its beginning is left out: signalbox runs watch ${run.id}`) : "";
        return head + view.words(text, whose(run, message)) + cut;
      }
      if (item.type === "end") {
        open.delete(item.run.id);
        return news();
      }
      const { part } = item.part;
      if (part.type !== "data-approval") return partText(item);
      const text = approvals.take(part.data);
      return text === "" ? "" : view.line(`${out.paint("yellow", "?")} ${text}`);
    },
    /** A remark of this program. */
    note: (text: string): string => dim(`· ${safeLine(text)}`),
    failure: (text: string): string => view.line(out.paint("red", `✗ ${safeLine(text)}`)),
    /** Words of the operator that reached the running turn. */
    steered: (text: string): string => view.words(text, "you"),
    /** Remembers a text that may become a turn. */
    remember: (text: string): void => void sent.push(text),
    forget(text: string): void {
      const at = sent.indexOf(text);
      if (at >= 0) sent.splice(at, 1);
    },
    end: view.end,
    session: (): SessionChange | undefined => now,
    /** State, and the work that goes on. */
    status(): string {
      const waiting = approvals.pending().length;
      const asked = waiting > 0 ? `${waiting} to answer` : "";
      return [now && stateText(now), asked, view.doing()].filter(Boolean).join(" · ");
    },
  };
}

const EXPLAINED = new Set(["asking", "limited", "stuck", "dead"]);

function stateText({ state, reason, limitedUntil, queued }: SessionChange): string {
  const until = state === "limited" && limitedUntil !== null ? ` until ${timeText(limitedUntil)}` : "";
  const waiting = queued > 0 ? `, ${queued} waiting` : "";
  // The reason of an earlier state stays with the session.
  const why = reason !== null && EXPLAINED.has(state) ? `: ${safeLine(reason)}` : "";
  return `${state}${until}${waiting}${why}`;
}

function whoseText({ person, requester, parentId, cause }: Run, message: MessageDetail | undefined): string {
  if (message) {
    const { name } = (message.payload?.sender ?? {}) as { name?: unknown };
    return typeof name === "string" ? `${name} (${message.from})` : (message.person ?? message.from);
  }
  if (person !== null) return person;
  if (requester !== null) return requesterText(requester);
  if (parentId !== null) return parentId;
  return cause === "schedule" ? "a schedule" : "a command";
}
