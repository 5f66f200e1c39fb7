import { ApprovalControl } from "../protocol/approvals.ts";
import type { Entry } from "../protocol/messages.ts";
import { RunControl } from "../protocol/run-control.ts";
import type { LimitControl } from "../protocol/sessions.ts";
import { OnInterrupt } from "../protocol/spawns.ts";
import { prefixOf } from "./config.ts";
import type { NewTurn, TurnRow } from "./journal/turns.ts";
import type { Services } from "./services.ts";
import { nameOf } from "./sessions/names.ts";
import { answeredBy, isNews, isQuestion, keyOf, runOfTask } from "./sessions/places.ts";
import { answerFor, hasDialogue, questionFor } from "./turns/answers.ts";
import { keepWord } from "./turns/words.ts";

export interface InboxParts {
  /** Puts turns into the journal, within the open write. */
  add(turns: NewTurn[]): TurnRow[];
  /** Begins stored turns. */
  offer(turns: TurnRow[]): void;
  /** A command of the relay, in the open write. */
  command(entry: Entry): void;
  /** After that write. */
  runCommands(): void;
  approval(control: ApprovalControl): void;
  limit(control: LimitControl): void;
  /** A profile has changed or is gone. */
  profiles(): void;
}

/** Receives the messages of the one stream: each is in the journal before anything comes of it, and a repeat changes nothing. */
export function createInbox(services: Services, parts: InboxParts) {
  const { add, offer, command, runCommands, approval, limit, profiles } = parts;
  const { journal, hub, config, log } = services;
  const own = `orchestrator-${config.id}`;

  function knownKey(agentId: string) {
    return (id: number): string | undefined => journal.letters.get(id, agentId)?.sessionKey;
  }

  /** Whether the configuration has a provider for an agent, also for one that the relay registered just now. In the open write. */
  function isRunHere(id: string): boolean {
    if (journal.agents.get(id)) return true;
    const provider = config.providers.find(({ name }) => id === `${prefixOf(config)}${name}`)?.name;
    if (provider === undefined) {
      log(`A message for ${id} is left: no provider of the configuration runs it.`);
      return false;
    }
    journal.agents.put({ id, provider });
    return true;
  }

  /** Turn whose tool asked for what a message answers, or is a notice about: the tool has said the same. */
  function askedIn(agentId: string, entry: Entry): TurnRow | undefined {
    const { kind, payload } = entry;
    const isAbout = kind === "response" || kind === "system" || isQuestion(entry);
    const said = isAbout ? (payload?.delegation as { runId?: unknown } | undefined) : undefined;
    const result = kind === "announcement" ? (payload?.announcement as { forRunId?: unknown } | undefined) : undefined;
    const runId = said?.runId ?? result?.forRunId;
    const turn = typeof runId === "string" ? journal.turns.ofRun(runId) : undefined;
    return turn?.agentId === agentId ? turn : undefined;
  }

  /** Turns that a message asks an agent for. */
  function turnsFor(agentId: string, entry: Entry): NewTurn[] {
    if (entry.kind === "control") return controlTurns(agentId, entry);
    const home = keyOf(entry, knownKey(agentId));
    if (!journal.letters.add(entry, agentId, home)) return [];
    const asked = askedIn(agentId, entry);
    if (asked && entry.kind === "response") return [answerFor(asked, entry)];
    if (asked && isQuestion(entry)) return [questionFor(asked, entry)];
    // A turn that answers a message has a dialogue to which the result goes as well.
    if (asked && entry.kind === "announcement" && !hasDialogue(asked)) return [answerFor(asked, entry)];
    if (asked && entry.kind === "system") {
      journal.letters.mark(entry.id, agentId, "done");
      return [];
    }
    const chosen = chosenInChat(entry);
    const isCron = home.startsWith("cron-");
    const name = isCron ? home : nameOf(entry.body);
    const isBeside = isCron || chosen.background === true;
    const sessionKey = isBeside && !isCron ? `bg:${name}` : home;
    const isLetter = (id: number) => journal.letters.get(id, agentId) !== undefined;
    const answerTo = isNews(entry) ? answeredBy(entry, isLetter) : entry.id;
    const schedule = entry.meta?.schedule as { run?: { model?: unknown } } | undefined;
    const model = schedule?.run?.model ?? chosen.model;
    const runId = runOfTask(entry);
    return [
      {
        ...{ agentId, sessionKey, kind: "message", messageId: entry.id },
        ...(runId !== undefined && { runId }),
        plan: {
          task: entry.encoding === "opaque" ? "(encrypted)" : entry.body || "(no text)",
          lane: isBeside ? "background" : "main",
          ...(isBeside && { name }),
          ...(isCron && { feedTo: "main" }),
          ...(typeof model === "string" && { model }),
          ...(answerTo !== undefined && { answerTo }),
          ...choiceOf(entry),
        },
      },
    ];
  }

  /** Turns of runs that others asked for, or that go on. */
  function controlTurns(agentId: string, entry: Entry): NewTurn[] {
    const { data } = RunControl.safeParse(entry.payload);
    if (!data || entry.from !== "system") return [];
    const { id: runId, turnId, do: what, text = "" } = data.run;
    const before = journal.turns.ofRun(runId);
    const isNow = before?.token === tokenOf(turnId);
    if (what === "message" && before && isNow) keepWord(journal, before, { messageId: entry.id, text, files: [] });
    if (what !== "start" && what !== "wake") return [];
    // A new turn of a run may come before the end of its last one is handed over.
    const isNext = before?.token != null && !isNow;
    if (before && before.state !== "done" && !isNext) return [];
    if (!before && what === "start" && isLeftToLetter(agentId, entry.replyTo, runId)) return [];
    const sessionKey = before?.sessionKey ?? runKey(data.run as { sessionKey?: unknown }, runId);
    // Work beside a dialogue goes on in its own session.
    const isBeside = before?.plan.lane === "background" && before.sessionId !== null;
    const plan: NewTurn["plan"] = isBeside
      ? { ...{ task: "", lane: "background", sessionId: before.sessionId ?? "" }, ...pick(before.plan) }
      : { task: "", lane: "main" };
    return [{ ...{ agentId, sessionKey, kind: "run", runId }, plan }];
  }

  /** Whether the turn of a letter takes the run that others asked for on it, so that the message is answered once. */
  function isLeftToLetter(agentId: string, messageId: number | null, runId: string): boolean {
    const turn = messageId === null ? undefined : journal.turns.ofMessage(agentId, messageId);
    if (!turn || turn.state === "done" || turn.runId !== null || turn.plan.askedBy !== undefined) return false;
    journal.turns.change(turn.id, { plan: { ...turn.plan, waitingRun: runId } });
    return true;
  }

  return {
    /** Stores an entry for its agents and moves the position past it, in one write; then begins what it asks for. */
    receive(agents: readonly string[], entry: Entry): void {
      if (entry.id <= journal.position()) return;
      const turns = journal.write(() => {
        journal.setPosition(entry.id);
        if (agents.includes(own)) command(entry);
        return add(agents.filter((id) => id !== own && isRunHere(id)).flatMap((id) => turnsFor(id, entry)));
      });
      offer(turns);
      if (agents.includes(own)) runCommands();
      if (entry.kind !== "control" || entry.from !== "system") return;
      for (const agentId of agents) hub.tell(agentId, entry);
      const { data } = ApprovalControl.safeParse(entry.payload?.approval);
      if (data) approval(data);
      if (entry.payload?.limit) limit(entry.payload.limit as LimitControl);
      if (entry.payload?.profile) profiles();
    },
  };
}

/** Fence of a turn, as the relay makes it. */
const tokenOf = (turnId: string): string => turnId.replace("trn_", "rnt_");

/** Wishes of a person for a turn, as the relay read them in the chat's commands. */
const chosenInChat = ({ kind, payload }: Entry): { model?: unknown; background?: unknown } =>
  kind === "channel.event" ? (payload ?? {}) : {};

/** Choice of a sender for the case that the turn is cut off. */
function choiceOf({ meta }: Entry): Pick<TurnRow["plan"], "onInterrupt"> {
  const { data: onInterrupt } = OnInterrupt.safeParse(meta?.onInterrupt);
  return onInterrupt ? { onInterrupt } : {};
}

/** Name and model of work that goes on. */
const pick = ({ name, model }: TurnRow["plan"]): Partial<TurnRow["plan"]> => ({
  ...(name !== undefined && { name }),
  ...(model !== undefined && { model }),
});

const runKey = ({ sessionKey }: { sessionKey?: unknown }, runId: string): string =>
  typeof sessionKey === "string" ? sessionKey : `run:${runId}`;
