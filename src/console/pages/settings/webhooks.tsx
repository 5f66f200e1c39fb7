import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { visible } from "../../../protocol/visible.ts";
import type { NewWebhook, Webhook } from "../../../protocol/webhooks.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { DeleteButton } from "../../ui/delete-button.tsx";
import { Facts } from "../../ui/exact.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { Secret } from "../../ui/secret.tsx";
import type { Shown } from "../../ui/states.ts";
import { clockText } from "../../ui/states.ts";
import { Deliveries } from "./deliveries.tsx";
import { counted } from "./words.ts";

const WebhookDialog = lazy(async () => ({ default: (await import("./webhook-dialog.tsx")).WebhookDialog }));

/** Outgoing webhooks: where events are sent to, and what could not be delivered. */
export function WebhooksSection() {
  const { isOperator } = useWho();
  const [edited, edit] = useState<Webhook | "new">();
  const [made, setMade] = useState<NewWebhook>();
  const list = usePages(["webhooks"], (page, signal) => api.webhooks.list({ limit: 100, page }, { signal }));
  const failing = list.items.filter(
    ({ failingSince, status }) => failingSince !== null || status === "disabled",
  ).length;
  useKeys(isOperator ? { c: () => edit("new") } : {});
  return (
    <Page
      title={
        list.isRead ? `${counted(list, "webhook", "webhooks")}${failing > 0 ? `, ${failing} failing` : ""}` : "Webhooks"
      }
      actions={
        isOperator && (
          <Button hint="c" onClick={() => edit("new")}>
            New webhook…
          </Button>
        )
      }
    >
      {made && (
        <Secret
          name={`Secret of ${made.name ?? made.id}`}
          value={made.secret}
          about="It is shown this once. Deliveries are signed with it, as Standard Webhooks says."
          close={() => setMade(undefined)}
        />
      )}
      <Section title="Webhooks">
        <Listed
          list={list}
          what="webhooks"
          row={webhookRow}
          open={(one) => <OpenWebhook key={one.id} webhook={one} edit={() => edit(one)} made={setMade} />}
          empty={
            isOperator
              ? "Nothing is sent out. A new webhook posts events of the relay to a URL of yours, signed."
              : "Nothing is sent out. Operators make webhooks."
          }
        />
      </Section>
      {edited && (
        <Suspense>
          <WebhookDialog {...(edited !== "new" && { webhook: edited })} made={setMade} close={() => edit(undefined)} />
        </Suspense>
      )}
    </Page>
  );
}

function stateOf({ status, reason, failingSince, failures }: Webhook): Shown {
  if (status === "disabled")
    return { glyph: "error", word: `disabled: ${reason ?? "by the relay"}`, colour: "text-red" };
  if (status === "paused")
    return { glyph: "aborted", word: reason ? `paused: ${reason}` : "paused", colour: "text-grey" };
  if (failingSince !== null)
    return { glyph: "stuck", word: `fails since ${clockText(failingSince)}, ${failures} times`, colour: "text-red" };
  return { glyph: "held", word: "active", colour: "text-ink2" };
}

function webhookRow(webhook: Webhook): RowParts {
  const { id, name, url, agentId, events, pending, dropped, createdAt } = webhook;
  const { glyph, word, colour } = stateOf(webhook);
  return {
    ...{ id, glyph, kind: agentId, since: createdAt },
    what: (
      <>
        <strong>{visible(name ?? url)}</strong> <span className={`text-small ${colour}`}>{visible(word)}</span>
      </>
    ),
    why: [
      name !== null && visible(url),
      events.join(", "),
      pending > 0 && `${pending} to deliver`,
      dropped > 0 && `${dropped} not recorded`,
    ]
      .filter(Boolean)
      .join(" · "),
  };
}

interface OpenProps {
  webhook: Webhook;
  edit(): void;
  made(webhook: NewWebhook): void;
}

function OpenWebhook({ webhook, edit, made }: OpenProps) {
  const { id, status, filter, previousSecretUntil } = webhook;
  const { isOperator } = useWho();
  const cache = useQueryClient();
  const readAgain = () => cache.invalidateQueries({ queryKey: ["webhooks"] });
  const test = useAct(async () => {
    await api.webhooks.test(id);
    await readAgain();
    return { said: "A webhook.test event is on its way" };
  });
  const turn = useAct(async (to: "active" | "paused") => {
    await api.webhooks.patch(id, { status: to });
    await readAgain();
    return { said: to === "active" ? "It goes on" : "Paused: nothing new is recorded for it" };
  });
  const rotate = useAct(async () => {
    made(await api.webhooks.rotate(id));
    await readAgain();
    return { said: "For a day both secrets sign" };
  });
  useKeys(isOperator ? { t: () => test.mutate(undefined), e: edit } : {});
  return (
    <>
      <Facts
        items={[
          <code key="id" className="font-mono">
            {id}
          </code>,
          ...Object.entries(filter).map(([field, value]) => `${field} ${visible(String(value))}`),
          previousSecretUntil && `the secret before signs until ${new Date(previousSecretUntil).toLocaleString()}`,
        ]}
      />
      {isOperator && (
        <div className="flex flex-wrap gap-2">
          <Button hint="t" disabled={test.isPending} onClick={() => test.mutate(undefined)}>
            Send a test
          </Button>
          <Button hint="e" onClick={edit}>
            Edit…
          </Button>
          <Button disabled={turn.isPending} onClick={() => turn.mutate(status === "active" ? "paused" : "active")}>
            {status === "active" ? "Pause" : "Go on"}
          </Button>
          <Button disabled={rotate.isPending} onClick={() => rotate.mutate(undefined)}>
            New secret
          </Button>
          <DeleteButton
            list="webhooks"
            sure="Delete: what is pending is not delivered"
            act={() => api.webhooks.delete(id).then(() => "Deleted")}
          />
        </div>
      )}
      <Deliveries id={id} />
    </>
  );
}
