import { RelayProblem } from "../../client/errors.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import type { Profile } from "../../protocol/profiles.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnEnd, TurnRow } from "../journal/turns.ts";
import { profileOf } from "../profiles.ts";
import type { Services } from "../services.ts";
import { takeOverNote } from "../sessions/digest.ts";
import { newSession } from "../sessions/rows.ts";
import { quote } from "../turns/quote.ts";
import { ownCaps, strictest } from "./gauges.ts";

const FACT = "stand-ins";
const RESULT_CHARS = 4000;

/** Sessions that work in place of others, by the session, or the turn, that they stand in for. */
type StandIns = Record<string, { sessionId: string; provider: string }>;

interface Handing {
  turn: TurnRow;
  /** Provider whose limit stands in the way. */
  provider: string;
  isRejected(provider: string): boolean;
  /** Called in the write that hands it over. */
  onHanded(session: SessionRow): void;
}

/** Hands work over to another provider, where the profile of its agent wants that at a limit: each turn once, never back. */
export function createHandOver(services: Services) {
  const { journal, link, time, life, log } = services;
  const logged = new Set<string>();
  const standIns = (): StandIns => JSON.parse(journal.fact(FACT) ?? "{}");

  function stays(agentId: string, why: string): undefined {
    const sentence = `Work of ${agentId} waits for its provider: ${why}`;
    if (!logged.has(sentence)) log(sentence);
    logged.add(sentence);
  }

  /** Profile by which a turn may go on elsewhere now. */
  async function targetOf({ turn, provider, isRejected }: Handing): Promise<Profile | undefined> {
    const { agentId, plan } = turn;
    const onLimit = profileOf(services, agentId)?.onLimit ?? "wait";
    if (onLimit === "wait" || plan.handedFrom) return undefined;
    const name = onLimit.handOver;
    try {
      const profile = await untilAnswered(time, () => link.box.profiles.get(name), life);
      if (!services.providers.has(profile.provider))
        return stays(agentId, `profile ${name} is for ${profile.provider}, which is no provider here.`);
      if (profile.provider === provider)
        return stays(agentId, `profile ${name} is for the same provider. Name one for another.`);
      return isRejected(profile.provider) ? undefined : profile;
    } catch (error) {
      if (!(error instanceof RelayProblem)) throw error;
      return stays(agentId, `profile ${name} could not be read: ${error.message}`);
    }
  }

  /** Session that had a turn, or would have got it. */
  function sessionOf({ agentId, sessionKey, sessionId, plan }: TurnRow): SessionRow | undefined {
    const id = plan.sessionId ?? sessionId;
    if (id !== null) return journal.sessions.get(id);
    return plan.lane === "main" ? journal.sessions.main(agentId, sessionKey) : undefined;
  }

  /** A new session of the other provider, in the place and the folder of the one that it stands in for, and under its caps. */
  function standIn(turn: TurnRow, of: SessionRow | undefined, profile: Profile, note: string): SessionRow {
    const base = newSession(services, turn);
    const { config: own } = services.providers.get(profile.provider) ?? {};
    const caps = strictest(profile.caps, ownCaps(of ?? base));
    return {
      ...{ ...base, provider: profile.provider, lane: "background", isMain: false, note },
      ...{ name: of?.name ?? base.name, cwd: of?.cwd ?? base.cwd, place: of?.place ?? base.place },
      ...{ model: profile.model ?? own?.model ?? null, systemPrompt: profile.systemPrompt ?? base.systemPrompt },
      ...{ demotedBy: of?.demotedBy ?? null, tools: JSON.stringify(profile.tools ?? {}), caps: JSON.stringify(caps) },
      ...(of && { meter: of.meter ?? of.id, worktree: of.worktree }),
    };
  }

  return {
    /** Hands a turn over. @returns the session that has it now, and whether that is new; undefined: it waits for its own provider */
    async hand(handing: Handing): Promise<{ session: SessionRow; isNew: boolean } | undefined> {
      const { provider, onHanded } = handing;
      const profile = await targetOf(handing);
      if (!profile) return undefined;
      const turn = journal.turns.get(handing.turn.id) ?? handing.turn;
      const of = sessionOf(turn);
      const key = of?.id ?? turn.id;
      const known = (): SessionRow | undefined => journal.sessions.get(standIns()[key]?.sessionId ?? "");
      const isThere = (row: SessionRow | undefined) =>
        row !== undefined && row.state !== "dead" && row.provider === profile.provider;
      const note = isThere(known()) ? "" : await takeOverNote(services, turn, of, provider);
      life.throwIfAborted();
      return journal.write(() => {
        const now = journal.turns.get(turn.id);
        // The turn was stopped or given up meanwhile.
        if (!now || now.end) return undefined;
        const before = known();
        const isNew = !isThere(before);
        const session = isNew || !before ? journal.sessions.save(standIn(turn, of, profile, note)) : before;
        if (isNew) journal.setFact(FACT, JSON.stringify({ ...standIns(), [key]: { sessionId: session.id, provider } }));
        const handedFrom = { provider, ...(of && { sessionId: of.id }) };
        journal.turns.change(turn.id, { state: "queued", plan: { ...now.plan, sessionId: session.id, handedFrom } });
        onHanded(session);
        log(`Turn ${turn.id} is handed over from ${provider} to ${profile.provider}`, { session: session.id });
        return { session, isNew };
      });
    },
    /** The provider answers again: later work stays with it. */
    end(provider: string): void {
      const left = Object.entries(standIns()).filter(([, one]) => one.provider !== provider);
      journal.write(() => journal.setFact(FACT, JSON.stringify(Object.fromEntries(left))));
    },
  };
}

/** Tells the session that a turn was taken from what came of it, at its next prompt. In the open write. */
export function tellFormer(
  { journal }: Pick<Services, "journal">,
  { plan, runId }: TurnRow,
  session: SessionRow | undefined,
  { text, error }: Pick<TurnEnd, "text" | "error">,
): void {
  const former = journal.sessions.get(plan.handedFrom?.sessionId ?? "");
  if (!former || former.state === "dead" || !session) return;
  const said = [text, error].filter(Boolean).join("\n").slice(0, RESULT_CHARS) || "(no text)";
  const news = `While your provider was limited, ${session.provider} did this in your place. Do not do it again.`;
  const note = [former.note, news, quote(`Result of ${runId ?? "the work"}`, said)].filter(Boolean).join("\n\n");
  journal.sessions.change(former.id, { note });
}
