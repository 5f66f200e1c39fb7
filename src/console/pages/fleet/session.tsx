import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { Session } from "../../../protocol/sessions.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { Age } from "../../ui/age.tsx";
import { countText, moneyText } from "../../ui/amounts.ts";
import { Exact } from "../../ui/exact.tsx";
import { Fact, FactList } from "../../ui/facts.tsx";
import { Glyph } from "../../ui/glyph.tsx";
import { One } from "../../ui/one.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { sessionState } from "../../ui/states.ts";
import { AgentRuns } from "./agent-runs.tsx";
import { placeText } from "./sessions.tsx";
import { SessionVerbs } from "./verbs.tsx";

const route = getRouteApi("/sessions/$id");

/** One session: how it is, on what evidence, and its runs. */
export function SessionPage() {
  const { id } = route.useParams();
  const query = useQuery({
    queryKey: ["session", id],
    queryFn: ({ signal }) => api.sessions.get(id, { signal }),
  });
  return (
    <One query={query} what="session">
      {(session) => <SessionView key={id} session={session} />}
    </One>
  );
}

/** `codex-3 is stuck`, `claude-api waits for you`. */
function titleOf(session: Session): string {
  const { word } = sessionState(session);
  return visible(
    `${session.agentId} ${/^(waits|starting)/.test(word) ? word.replace("starting", "starts") : `is ${word}`}`,
  );
}

function SessionView({ session }: { session: Session }) {
  return (
    <Page title={titleOf(session)} facts={<span className="font-mono text-small select-all">{session.id}</span>}>
      <div className="grid gap-x-10 lg:grid-cols-[minmax(0,1fr)_320px]">
        <div className="min-w-0">
          <Section title="Now">
            <SessionNow session={session} />
            <SessionVerbs session={session} />
          </Section>
          <AgentRuns sessionId={session.id} />
        </div>
        <aside className="min-w-0">
          <Details session={session} />
        </aside>
      </div>
    </Page>
  );
}

/** State, reason and live run of a session. */
export function SessionNow({ session }: { session: Session }) {
  const { glyph, word, colour } = sessionState(session);
  const { reason, evidence, runId, lastEventAt } = session;
  return (
    <>
      <p className={`flex items-center gap-2 py-2 ${colour}`}>
        <Glyph name={glyph} />
        <span className="flex-1">{visible(word)}</span>
        {lastEventAt && <Age since={lastEventAt} />}
      </p>
      {reason && <p className="pb-2 wrap-anywhere">{visible(reason)}</p>}
      {runId && (
        <p className="pb-2">
          Its live run:{" "}
          <Link to="/runs/$id" params={{ id: runId }} className="text-accent underline">
            {runId}
          </Link>
        </p>
      )}
      {evidence && Object.keys(evidence).length > 0 && <Exact>{JSON.stringify(evidence, null, 2)}</Exact>}
    </>
  );
}

function Details({ session }: { session: Session }) {
  const { usage, lease, seen } = session;
  return (
    <Section title="Details">
      <FactList>
        <Fact name="agent">
          <Link to="/agents/$id" params={{ id: session.agentId }} className="text-accent underline">
            {session.agentId}
          </Link>
        </Fact>
        <Fact name="machine">{session.orchestratorId}</Fact>
        <Fact name="provider">{visible(session.provider)}</Fact>
        <Fact name="model">{session.model && visible(session.model)}</Fact>
        <Fact name="lane">{session.lane}</Fact>
        <Fact name="place">{visible(placeText(session.place))}</Fact>
        <Fact name="waiting">{session.queued > 0 && `${session.queued} messages`}</Fact>
        <Fact name="folder">{session.cwd && <code className="font-mono">{visible(session.cwd)}</code>}</Fact>
        <Fact name="project">{session.project && visible(session.project)}</Fact>
        <Fact name="branch">{seen?.branch && visible(seen.branch)}</Fact>
        <Fact name="changes">{seen?.dirtyFiles ? `${seen.dirtyFiles} files not committed` : null}</Fact>
        <Fact name="not pushed">{seen?.unpushedCommits ? `${seen.unpushedCommits} commits` : null}</Fact>
        <Fact name="native id">
          {session.nativeId && <code className="font-mono">{visible(session.nativeId)}</code>}
        </Fact>
        <Fact name="process">{session.pid}</Fact>
        <Fact name="lease">{lease && (lease.live ? "held by its machine" : "ran out: its machine takes it back")}</Fact>
        <Fact name="cost">{usage && moneyText(usage.costUsd)}</Fact>
        <Fact name="tokens">{usage && `${countText(usage.inputTokens)} in, ${countText(usage.outputTokens)} out`}</Fact>
      </FactList>
    </Section>
  );
}
