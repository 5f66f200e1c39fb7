import type { Approval } from "../../../protocol/approvals.ts";
import type { Channel } from "../../../protocol/channels.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { useUnnarrowed } from "../../frame/projects.ts";
import { Glyph } from "../../ui/glyph.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { ApprovalCard, useAnswerKeys } from "../now/approval.tsx";
import { accessText, channelState, deafOf } from "./words.ts";

/** Accounts of chat platforms, and strangers who ask to be let in. */
export function ChannelsPage() {
  const list = usePages(["channels", "list"], (page, signal) => api.channels.list({ limit: 100, page }, { signal }));
  const strangers = usePages(["approvals", "access"], (page, signal) =>
    api.approvals.list({ kind: "access", state: "pending", limit: 100, page }, { signal }),
  );
  return (
    <Page title={list.isRead ? titleOf(list.items, list.hasMore) : "Channels"} facts={useUnnarrowed()}>
      <Strangers items={strangers.items} />
      <Section title="Channels">
        <Listed
          list={list}
          what="channels"
          row={channelRow}
          link={({ id }) => ({ to: "/channels/$id", params: { id } })}
          empty={
            <>
              No chat account is connected. With a bot's token in the environment:{" "}
              <code className="font-mono">signalbox channel run telegram --target &lt;agent&gt;</code>
            </>
          }
        />
      </Section>
    </Page>
  );
}

/** The first of those who ask to be let in, decided by its keys; the next comes after it. */
function Strangers({ items }: { items: readonly Approval[] }) {
  const keys = useAnswerKeys();
  const [first] = items;
  useKeys(keys(first?.id ?? null));
  if (!first) return null;
  const more = items.length > 1 ? `1 of ${items.length} · ` : "";
  return (
    <Section title="Asks to be let in" note={`${more}compare the code with the one that the stranger was told`}>
      <article key={first.id} aria-label={first.title} className="flex flex-col gap-2 border-b border-line px-3 py-2">
        <p className="flex items-center gap-3">
          <Glyph name="you" />
          <strong className="min-w-0 flex-1 wrap-anywhere">{visible(first.title)}</strong>
        </p>
        <div>
          <ApprovalCard id={first.id} hasKeys />
        </div>
      </article>
    </Section>
  );
}

function titleOf(items: readonly Channel[], hasMore: boolean): string {
  if (items.length === 0) return "No chat account is connected";
  const deaf = items.filter((one) => deafOf(one) !== null);
  const [first] = deaf;
  if (first) return deaf.length === 1 ? `${first.name} cannot hear` : `${deaf.length} channels cannot hear`;
  const count = `${items.length}${hasMore ? "+" : ""} ${items.length === 1 ? "channel" : "channels"}`;
  return `${count}, ${items.filter(({ ready }) => ready).length} ready`;
}

function channelRow(channel: Channel): RowParts {
  const { id, name, provider, bindings, isDefault, access, lastSeenAt } = channel;
  const { glyph, word, colour } = channelState(channel);
  return {
    ...{ id, glyph, kind: provider, since: lastSeenAt },
    what: (
      <>
        <strong>{visible(name)}</strong> <code className="font-mono text-small text-ink3">{id}</code>{" "}
        <span className={`text-small ${colour}`}>{visible(word)}</span>
      </>
    ),
    why: (
      <>
        {bindings.length > 0
          ? `goes to ${visible(bindings.map(({ target }) => target).join(", "))}`
          : "no binding for all of its chats"}
        {isDefault && " · @default"}
        {" · "}
        <span className={access.warning ? "text-red" : ""}>{accessText(channel)}</span>
      </>
    ),
  };
}
