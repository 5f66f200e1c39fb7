import { Bot, Cable, CalendarClock, type LucideIcon, MessageSquare, Signpost, User } from "lucide-react";
import type { Message } from "../../../protocol/messages.ts";
import type { Run } from "../../../protocol/runs.ts";
import { Age } from "../../ui/age.tsx";
import { Button } from "../../ui/button.tsx";
import { Glyph, type GlyphName } from "../../ui/glyph.tsx";
import { clockText } from "../../ui/states.ts";
import { Asked } from "./asked.tsx";
import { Body, plainly } from "./body.tsx";
import { Attached } from "./files.tsx";
import { FoldedRun } from "./folded-run.tsx";
import { Ladder, Why } from "./ladder.tsx";
import { Opaque } from "./opaque.tsx";
import { type Level, type Traced, Traces } from "./traces.tsx";

/** Kind of author: a glyph and a word. */
const AUTHORS: Record<Message["source"], { icon: LucideIcon; word: string }> = {
  agent: { icon: Bot, word: "agent" },
  person: { icon: User, word: "person" },
  integration: { icon: Cable, word: "integration" },
  schedule: { icon: CalendarClock, word: "schedule" },
  channel: { icon: MessageSquare, word: "chat" },
  relay: { icon: Signpost, word: "relay" },
};

/** Messages that are told in one line, and open to what they say. */
const LINES: Partial<Record<Message["kind"], { glyph: GlyphName; verb: string }>> = {
  request: { glyph: "waits", verb: "asks" },
  response: { glyph: "ok", verb: "answers" },
  announcement: { glyph: "ok", verb: "announces a result to" },
  system: { glyph: "settled", verb: "notes for" },
  control: { glyph: "settled", verb: "orders" },
  pair: { glyph: "settled", verb: "pairs with" },
};

const WORK: Partial<Record<NonNullable<Message["state"]>, { glyph: GlyphName; colour: string }>> = {
  open: { glyph: "open", colour: "text-ink3" },
  delayed: { glyph: "limited", colour: "text-violet" },
  claimed: { glyph: "held", colour: "text-ink2" },
  dead: { glyph: "stuck", colour: "text-red" },
};

interface Props {
  message: Message;
  /** A reply to it by whom it was for. */
  answer: Message | undefined;
  /** Runs that worked on it and have ended. */
  runs: readonly Run[] | undefined;
  /** A run works on it. */
  isLive: boolean;
  level: Level;
  /** Thoughts and acts of agents about it. */
  traced: Traced | undefined;
  isSelected: boolean;
  isExplained: boolean;
  writes: boolean;
  select(): void;
  explain(): void;
  reply(): void;
}

export const nameOf = ({ from, person }: Pick<Message, "from" | "person">): string =>
  plainly(person === null ? from : from === "user" ? person : `${from} by ${person}`);

/** `14:05`, with the day unless it is today. */
function whenText(time: string): string {
  const day = new Date(time).toLocaleDateString([], { month: "short", day: "numeric" });
  const today = new Date().toLocaleDateString([], { month: "short", day: "numeric" });
  return day === today ? clockText(time) : `${day}, ${clockText(time)}`;
}

/** Questions and answers between a person and an agent are read whole. */
const isTold = ({ kind, from, to }: Message): boolean =>
  (kind === "request" || kind === "response") && (from === "user" || to === "user");

/** One message: whose words, how far it came, and what it says. */
export function MessageItem(props: Props) {
  const { message, answer, isSelected, isExplained, writes, select, explain, reply } = props;
  const line = isTold(message) ? undefined : LINES[message.kind];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: j and k select by keyboard
    <article
      data-message={message.id}
      aria-current={isSelected || undefined}
      onClick={select}
      className="border-b border-line px-8 py-3 aria-[current]:bg-selected aria-[current]:shadow-[inset_2px_0_var(--accent)] max-md:px-4"
    >
      {line ? <Line {...line} message={message} /> : <Whole {...props} />}
      {message.payload && !line && <Asked message={message} answer={answer} />}
      <Attached payload={message.payload} />
      <Traces key={props.level} id={message.id} level={props.level} traced={props.traced} />
      {props.runs?.map((run) => (
        <FoldedRun key={run.id} run={run} />
      ))}
      {isSelected && (
        <div className="mt-1 flex flex-wrap gap-1">
          {writes && (
            <Button kind="quiet" hint="r" onClick={reply}>
              Reply
            </Button>
          )}
          <Button kind="quiet" hint="w" aria-expanded={isExplained} onClick={explain}>
            Why
          </Button>
          <span className="self-center font-mono text-micro text-ink3">{`message ${message.id}`}</span>
        </div>
      )}
      {isExplained && <Why id={message.id} />}
    </article>
  );
}

function Whole({ message, answer, runs, isLive }: Props) {
  const isTaken = isLive || runs !== undefined;
  const { icon: Icon, word } = AUTHORS[message.source];
  const work = message.state === null ? undefined : (WORK[message.state] ?? { glyph: "settled", colour: "text-grey" });
  return (
    <>
      <header className="mb-0.5 flex flex-wrap items-center gap-x-2 text-small text-ink3">
        <Icon className="size-3 shrink-0" aria-hidden="true" />
        <strong className="text-body text-ink wrap-anywhere">{nameOf(message)}</strong>
        <span>{word}</span>
        <span className="wrap-anywhere">{`to ${plainly(message.to)}`}</span>
        {work && message.state && (
          <span className={`inline-flex items-center gap-1 ${work.colour}`}>
            <Glyph name={work.glyph as GlyphName} />
            {message.claim ? `held by ${plainly(message.claim.agentId)}` : message.state}
          </span>
        )}
        <span className="ml-auto inline-flex items-center gap-3">
          <Ladder message={message} isAnswered={answer !== undefined} isTaken={isTaken} />
          <time className="font-mono" dateTime={message.createdAt} title={new Date(message.createdAt).toLocaleString()}>
            {whenText(message.createdAt)}
          </time>
        </span>
      </header>
      {message.subject && <p className="font-semibold wrap-anywhere">{plainly(message.subject)}</p>}
      {message.encoding === "opaque" ? <Opaque message={message} /> : <Body text={message.body} />}
    </>
  );
}

/** An announcement says how its run ended. */
function isFailure({ kind, payload }: Message): boolean {
  const facts = kind === "announcement" ? payload?.announcement : undefined;
  const status = typeof facts === "object" && facts !== null && "status" in facts ? facts.status : undefined;
  return status !== undefined && status !== "ok";
}

/** Delegations, announcements and notices: one line, which opens. */
function Line({ message, glyph, verb }: { message: Message; glyph: GlyphName; verb: string }) {
  const isOpaque = message.encoding === "opaque";
  const first = isOpaque ? "encrypted" : (message.subject ?? message.body.trimStart().split("\n", 1)[0] ?? "");
  return (
    <details>
      <summary className="flex cursor-pointer items-center gap-2 text-small text-ink2">
        <Glyph name={isFailure(message) ? "error" : glyph} />
        <span className="min-w-0 truncate">
          <strong>{nameOf(message)}</strong> {`${verb} ${plainly(message.to)}: ${plainly(first.slice(0, 300))}`}
        </span>
        <Age since={message.createdAt} className="ml-auto" />
      </summary>
      <div className="pt-2 pl-5">{isOpaque ? <Opaque message={message} /> : <Body text={message.body} />}</div>
    </details>
  );
}
