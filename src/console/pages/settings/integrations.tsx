import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import type { Integration, SavedIntegration } from "../../../protocol/integrations.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { Age } from "../../ui/age.tsx";
import { Button } from "../../ui/button.tsx";
import { DeleteButton } from "../../ui/delete-button.tsx";
import { Exact, Facts } from "../../ui/exact.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { Secret } from "../../ui/secret.tsx";
import { SureButton } from "../../ui/sure.tsx";
import { draftOf } from "./integration-form.ts";
import { counted } from "./words.ts";

const IntegrationDialog = lazy(async () => ({
  default: (await import("./integration-dialog.tsx")).IntegrationDialog,
}));

/** Sources of events, which become tasks. */
export function IntegrationsSection() {
  const { isOperator } = useWho();
  const [edited, edit] = useState<Integration | "new">();
  const [saved, setSaved] = useState<SavedIntegration>();
  const list = usePages(["integrations"], (page, signal) => api.integrations.list({ limit: 100, page }, { signal }));
  useKeys(isOperator ? { c: () => edit("new") } : {});
  return (
    <Page
      title={list.isRead ? counted(list, "integration", "integrations") : "Integrations"}
      actions={
        isOperator && (
          <Button hint="c" onClick={() => edit("new")}>
            New integration…
          </Button>
        )
      }
    >
      {saved?.secret && (
        <Secret
          name={`Secret of ${saved.source}`}
          value={saved.secret}
          about={`It is shown this once. Events go to ${location.origin}/v1/integrations/${saved.source}/events.`}
          close={() => setSaved(undefined)}
        />
      )}
      <Section title="Integrations">
        <Listed
          list={list}
          what="integrations"
          row={integrationRow}
          open={(one) => <OpenIntegration key={one.source} integration={one} edit={() => edit(one)} saved={setSaved} />}
          empty={
            isOperator
              ? "No source reports events yet. A new integration gives a URL and a secret for GitHub, Alertmanager, Grafana, Sentry or a program of yours."
              : "No source reports events yet. Operators make integrations."
          }
        />
      </Section>
      {edited && (
        <Suspense>
          <IntegrationDialog
            {...(edited !== "new" && { integration: edited })}
            saved={setSaved}
            close={() => edit(undefined)}
          />
        </Suspense>
      )}
    </Page>
  );
}

const integrationRow = ({ source, target, topic, severity, mapping, verify, updatedAt }: Integration): RowParts => ({
  ...{ id: source, glyph: "idle", kind: mapping, since: updatedAt },
  what: (
    <>
      <strong>{source}</strong> {target === null ? "to whom its events name" : `to ${visible(target)}`}
    </>
  ),
  why: [`shows itself by ${verify}`, topic !== null && `topic ${visible(topic)}`, severity && `severity ${severity}`]
    .filter(Boolean)
    .join(" · "),
});

interface OpenProps {
  integration: Integration;
  edit(): void;
  saved(made: SavedIntegration): void;
}

function OpenIntegration({ integration, edit, saved }: OpenProps) {
  const { source, paths } = integration;
  const { isOperator } = useWho();
  const rotate = useAct(async () => {
    saved(await api.integrations.put(source, { ...draftOf(integration), rotate: true }));
    return undefined;
  });
  useKeys(isOperator ? { e: edit } : {});
  return (
    <>
      <Facts
        items={[
          <code
            key="url"
            className="font-mono select-all"
          >{`POST ${location.origin}/v1/integrations/${source}/events`}</code>,
        ]}
      />
      {paths && <Exact>{JSON.stringify(paths, null, 2)}</Exact>}
      <RecentTasks source={source} />
      {isOperator && (
        <div className="flex flex-wrap gap-2">
          <Button hint="e" onClick={edit}>
            Edit…
          </Button>
          <SureButton
            sure="Make a new one: the old is worth nothing"
            disabled={rotate.isPending}
            onClick={() => rotate.mutate(undefined)}
          >
            New secret
          </SureButton>
          <DeleteButton
            list="integrations"
            sure="Delete: its events are refused"
            act={() => api.integrations.delete(source).then(() => `${source} is deleted: its tasks stay`)}
          />
        </div>
      )}
    </>
  );
}

function RecentTasks({ source }: { source: string }) {
  const { data } = useQuery({
    queryKey: ["work", "tasks", source],
    queryFn: ({ signal }) => api.tasks.list({ source, limit: 5 }, { signal }),
  });
  if (!data) return null;
  if (data.items.length === 0)
    return <p className="my-2 text-small text-ink2">No event of it has become a task yet.</p>;
  return (
    <ul className="my-2 text-small" aria-label="Its last tasks">
      {data.items.map(({ id, title, status, count, messageId, updatedAt }) => (
        <li key={id} className="flex items-center gap-2 py-0.5">
          <Link
            to="/threads/$id"
            params={{ id: `${messageId}` }}
            className="min-w-0 flex-1 truncate text-accent underline"
          >
            {visible(title)}
          </Link>
          <span className="text-ink2">{`${status}${count > 1 ? `, ${count} times` : ""}`}</span>
          <Age since={updatedAt} />
        </li>
      ))}
    </ul>
  );
}
