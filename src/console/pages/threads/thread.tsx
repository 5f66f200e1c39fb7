import { Link, useNavigate } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import { type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { VList, type VListHandle } from "virtua";
import type { Message } from "../../../protocol/messages.ts";
import type { ThreadSummary } from "../../../protocol/threads.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { goOnIn } from "../../ui/drafts.ts";
import { Failure, Loading } from "../../ui/notes.tsx";
import { plainly } from "./body.tsx";
import { Composer } from "./composer.tsx";
import { LiveRuns, useThreadRuns } from "./folded-run.tsx";
import { MessageItem } from "./message.tsx";
import { useTalk, useThread } from "./talk.ts";
import { LEVELS, type Level, useTraces } from "./traces.tsx";

/** So close to its end, a list stays there when something is added. */
const NEAR_END_PX = 80;

interface ThreadProps {
  id: number;
  level: Level;
  /** Message that is selected and explained at first. */
  why: number | undefined;
  show(level: Level): void;
}

/** One thread: its messages, and a place to write. */
export function Thread({ id, level, why, show }: ThreadProps) {
  const { data: thread, error } = useThread(id);
  const talk = useTalk(id);
  const { writes } = useWho();
  const navigate = useNavigate();
  const list = useRef<VListHandle>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const [selectedId, select] = useState(why);
  const [explainedId, explain] = useState(why);
  const { messages } = talk;
  const runs = useThreadRuns(id);
  const traces = useTraces(id, level, talk.data?.pages.length ?? 1);
  const last = messages.at(-1);
  const at = messages.findIndex((message) => message.id === selectedId);
  const current = messages[at];
  useReading(id, thread, last?.id, writes);
  const count = messages.length + (runs.live.length > 0 ? 1 : 0);
  useEnd(list, last?.id, count, why === undefined ? -1 : at);
  const stay = (): void => {
    if (list.current && isNearEnd(list.current)) toEnd(list, count);
  };

  function move(by: number): void {
    const next = Math.min(messages.length - 1, Math.max(0, at < 0 ? messages.length - 1 : at + by));
    select(messages[next]?.id);
    list.current?.scrollToIndex(next, { align: "nearest" });
  }
  const back = (): void => (selectedId === undefined ? void navigate({ to: "/threads" }) : select(undefined));
  const toggleWhy = (message: Message) => explain((now) => (now === message.id ? undefined : message.id));
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ...(writes && { r: () => goOnIn(field.current) }),
    ...(current && { w: () => toggleWhy(current), y: () => void navigator.clipboard?.writeText(String(current.id)) }),
    Escape: back,
  });
  const answers = useMemo(() => answersIn(messages), [messages]);

  return (
    <section className="flex min-w-0 flex-1 flex-col" aria-label="Thread">
      <Head id={id} thread={thread} writes={writes} level={level} show={show} />
      {(error ?? talk.error) && <Failure error={error ?? talk.error} retry={() => void talk.refetch()} />}
      {talk.isPending && <Loading what="messages" />}
      {talk.hasNextPage && (
        <Button kind="quiet" disabled={talk.isFetchingNextPage} onClick={() => void talk.fetchNextPage()}>
          Earlier messages
        </Button>
      )}
      <VList ref={list} className="flex-1" shift={talk.isFetchingNextPage} tabIndex={0} aria-label="Messages">
        {messages.map((message) => (
          <MessageItem
            key={message.id}
            message={message}
            answer={answers.get(message.id)}
            runs={runs.ended.get(message.id)}
            isLive={runs.live.some(({ messageId }) => messageId === message.id)}
            level={level}
            traced={traces.get(message.id)}
            isSelected={message.id === selectedId}
            isExplained={message.id === explainedId}
            writes={writes}
            select={() => select(message.id)}
            explain={() => toggleWhy(message)}
            reply={() => goOnIn(field.current)}
          />
        ))}
        {runs.live.length > 0 && <LiveRuns key="live" runs={runs.live} grew={stay} />}
      </VList>
      {writes && last && (
        <Composer
          key={id}
          to={targetOf(thread?.agentId, current ?? last)}
          replyTo={current ?? last}
          field={field}
          onSent={() => select(undefined)}
        />
      )}
    </section>
  );
}

const messagesText = (count: number): string => (count === 1 ? "1 message" : `${count} messages`);

interface HeadProps {
  id: number;
  thread: ThreadSummary | null | undefined;
  writes: boolean;
  level: Level;
  show(level: Level): void;
}

function Head({ id, thread, writes, level, show }: HeadProps) {
  const title = plainly(thread?.title ?? `Thread ${id}`);
  useEffect(() => {
    document.title = `${title} · Signalbox`;
  }, [title]);
  const archive = useAct(async (archived: boolean) => {
    await api.threads.change(id, { archived });
    const said = archived ? "Archived: it comes back with the next message for you" : "Back in the list";
    return { said, undo: () => api.threads.change(id, { archived: !archived }) };
  });
  return (
    <header className="flex items-start gap-2 border-b border-line px-8 py-4 max-md:flex-wrap max-md:px-4">
      <Link to="/threads" className="-ml-2 p-2 md:hidden" aria-label="All threads">
        <ChevronLeft className="size-5" aria-hidden="true" />
      </Link>
      <div className="min-w-0 flex-1">
        <h1 className="line-clamp-2 text-title font-semibold wrap-anywhere">{title}</h1>
        <p className="truncate text-small text-ink2">
          {thread ? `${plainly(thread.participants.join(", "))} · ${messagesText(thread.replies + 1)}` : ""}
        </p>
      </div>
      <fieldset className="flex shrink-0 gap-3 text-small max-md:order-last max-md:w-full">
        <legend className="sr-only">What is shown</legend>
        {LEVELS.map((one) => (
          <button
            key={one.level}
            type="button"
            title={one.about}
            aria-pressed={level === one.level}
            onClick={() => show(one.level)}
            className="h-8 cursor-pointer text-ink2 hover:text-ink aria-pressed:font-semibold aria-pressed:text-ink max-md:h-12"
          >
            {one.name}
          </button>
        ))}
      </fieldset>
      {writes && thread && (
        <Button kind="quiet" disabled={archive.isPending} onClick={() => archive.mutate(!thread.archived)}>
          {thread.archived ? "Restore" : "Archive"}
        </Button>
      )}
    </header>
  );
}

/** Marks what is shown as read, while somebody looks. */
function useReading(id: number, thread: ThreadSummary | null | undefined, lastId: number | undefined, writes: boolean) {
  const unread = thread?.unread ?? 0;
  useEffect(() => {
    if (!writes || lastId === undefined || unread === 0) return;
    const read = (): void => {
      if (document.visibilityState === "visible") api.threads.read(id, lastId).catch(() => undefined);
    };
    read();
    document.addEventListener("visibilitychange", read);
    return () => document.removeEventListener("visibilitychange", read);
  }, [id, lastId, unread, writes]);
}

const isNearEnd = ({ scrollSize, scrollOffset, viewportSize }: VListHandle): boolean =>
  scrollSize - scrollOffset - viewportSize < NEAR_END_PX + viewportSize / 2;

const toEnd = (list: RefObject<VListHandle | null>, count: number): void =>
  void requestAnimationFrame(() => list.current?.scrollToIndex(count - 1, { align: "end" }));

/** Opens a list at its end, or at the message of `first`, and keeps it there while its reader is there. */
function useEnd(list: RefObject<VListHandle | null>, lastId: number | undefined, count: number, first: number) {
  const shown = useRef<number>(undefined);
  useEffect(() => {
    const view = list.current;
    if (!view || lastId === undefined || lastId === shown.current) return;
    const isFirst = shown.current === undefined;
    shown.current = lastId;
    if (isFirst && first >= 0) requestAnimationFrame(() => list.current?.scrollToIndex(first, { align: "start" }));
    else if (isFirst || isNearEnd(view)) toEnd(list, count);
  }, [list, lastId, count, first]);
}

/** The other side of a message; its thread's own agent comes first. */
const targetOf = (agentId: string | null | undefined, { from, to }: Message): string =>
  agentId ?? (from === "user" || from === "system" ? (to === "user" ? "" : to) : from);

/** The first reply to each message by whom it was for. */
function answersIn(messages: readonly Message[]): Map<number, Message> {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const answers = new Map<number, Message>();
  for (const message of messages) {
    const parent = message.replyTo === null ? undefined : byId.get(message.replyTo);
    if (parent && parent.to === message.from && !answers.has(parent.id)) answers.set(parent.id, message);
  }
  return answers;
}
