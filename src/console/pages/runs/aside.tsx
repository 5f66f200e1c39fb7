import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Run, RunTree } from "../../../protocol/runs.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { Age } from "../../ui/age.tsx";
import { countText, moneyText } from "../../ui/amounts.ts";
import { Fact, FactList } from "../../ui/facts.tsx";
import { Glyph } from "../../ui/glyph.tsx";
import { Failure } from "../../ui/notes.tsx";
import { Section } from "../../ui/page.tsx";
import { clockText, runState } from "../../ui/states.ts";
import { webAddress } from "../../ui/web.ts";
import { ChangedFiles } from "./changed-files.tsx";
import { Children } from "./children.tsx";

const LINK = "text-accent underline wrap-anywhere";

/** Facts of a run: state, children, links, files and cost. */
export function RunAside({ run, asks, show }: { run: Run; asks: boolean; show(path: string): void }) {
  const tree = useQuery({
    queryKey: ["run", run.id, "tree"],
    queryFn: ({ signal }) => api.runs.tree(run.id, { signal }),
  });
  return (
    <>
      <State run={run} asks={asks} />
      {tree.error && <Failure error={tree.error} retry={() => void tree.refetch()} />}
      {tree.data && tree.data.descendants.length > 0 && <Children tree={tree.data} />}
      <Links run={run} />
      <ChangedFiles runId={run.id} show={show} />
      {tree.data && <Cost tree={tree.data} />}
    </>
  );
}

function State({ run, asks }: { run: Run; asks: boolean }) {
  const { glyph, word, colour } = runState(run, asks);
  const turn = run.turns.at(-1);
  return (
    <Section title="State">
      <p className={`flex items-center gap-2 py-2 ${colour}`}>
        <Glyph name={glyph} />
        <span className="flex-1">
          {word}
          {run.late && ", its result came late"}
          {run.confirmed === false && ", not confirmed by its runner"}
        </span>
        <Age since={run.endedAt ?? turn?.startedAt ?? run.createdAt} />
      </p>
      {run.error && <p className="pb-2 text-small text-ink2 wrap-anywhere">{visible(run.error)}</p>}
      <FactList>
        <Fact name="agent">
          <Link to="/agents/$id" params={{ id: run.agentId }} className={LINK}>
            {run.agentId}
          </Link>
        </Fact>
        <Fact name="session">
          {run.sessionId && (
            <Link to="/sessions/$id" params={{ id: run.sessionId }} className={LINK}>
              {run.sessionId}
            </Link>
          )}
        </Fact>
        <Fact name="part of">
          {run.parentId && (
            <Link to="/runs/$id" params={{ id: run.parentId }} className={LINK}>
              {run.parentId}
            </Link>
          )}
        </Fact>
        <Fact name="machine">{run.orchestratorId}</Fact>
        <Fact name="folder">{run.cwd && <code className="font-mono">{visible(run.cwd)}</code>}</Fact>
        <Fact name="project">{run.project && visible(run.project)}</Fact>
        <Fact name="tags">{run.tags.length > 0 && visible(run.tags.join(", "))}</Fact>
        <Fact name="model">{run.model && visible(run.model)}</Fact>
        <Fact name="message">{run.messageId}</Fact>
        <Fact name="thread">
          {run.threadId !== null && (
            <Link to="/threads/$id" params={{ id: String(run.threadId) }} className={LINK}>
              {run.threadId}
            </Link>
          )}
        </Fact>
        <Fact name="began">{turn?.startedAt && clockText(turn.startedAt)}</Fact>
        <Fact name="turns">{run.turns.length > 1 && run.turns.length}</Fact>
        <Fact name="ends by">{run.status !== "ended" && run.deadlineAt && clockText(run.deadlineAt)}</Fact>
      </FactList>
    </Section>
  );
}

function Links({ run }: { run: Run }) {
  if (run.links.length === 0) return null;
  return (
    <Section title="Links">
      <ul className="py-1">
        {run.links.map(({ kind, ref, url, state, evidence }) => {
          const name = visible(ref ?? url ?? "");
          return (
            <li key={`${kind} ${url ?? ref}`} className="py-1 text-small wrap-anywhere">
              <span className="text-ink3">{kind} </span>
              {webAddress(url) ? (
                <a href={webAddress(url)} target="_blank" rel="noopener noreferrer" className={LINK}>
                  {name}
                </a>
              ) : (
                <code className="font-mono">{name}</code>
              )}
              <span className="text-ink3">
                {[state && ` · ${visible(state)}`, evidence === "said" && " · the agent says so"].filter(Boolean)}
              </span>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

function Cost({ tree: { run, descendants, usage, complete } }: { tree: RunTree }) {
  const models = Object.entries(usage.byModel);
  return (
    <Section title="Cost" note={descendants.length ? `with ${descendants.length} below` : undefined}>
      <p className="py-2">
        <span className="font-mono">{moneyText(usage.costUsd)}</span>
        {descendants.length > 0 && (
          <span className="text-small text-ink3">{` · itself ${moneyText(run.usage.costUsd)}`}</span>
        )}
        {!complete && <span className="text-small text-ink3"> · not all of it is known</span>}
      </p>
      <dl className="grid grid-cols-[1fr_auto] gap-y-1 text-small">
        {(
          [
            ["input tokens", usage.inputTokens],
            ["output tokens", usage.outputTokens],
            ["read from cache", usage.cacheReadTokens],
            ["written to cache", usage.cacheWriteTokens],
          ] as const
        ).map(([name, count]) => (
          <div key={name} className="contents">
            <dt className="text-ink3">{name}</dt>
            <dd className="font-mono">{countText(count)}</dd>
          </div>
        ))}
        {models.length > 1 &&
          models.map(([model, { costUsd }]) => (
            <div key={model} className="contents">
              <dt className="text-ink3 wrap-anywhere">{visible(model)}</dt>
              <dd className="font-mono">{moneyText(costUsd)}</dd>
            </div>
          ))}
      </dl>
    </Section>
  );
}
