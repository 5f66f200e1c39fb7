import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Channel } from "../../../protocol/channels.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useWho } from "../../frame/who.ts";
import { Button } from "../../ui/button.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { type Chat, chatsOf } from "./chat.ts";
import { MoveForm } from "./move.tsx";
import { RouteView } from "./route-view.tsx";

/** Chats that wrote lately or have a binding: where each goes, and moving it to another agent. */
export function Chats({ channel }: { channel: Channel }) {
  const { isOperator } = useWho();
  const messages = usePages(["channels", "chats", channel.id], (page, signal) =>
    api.messages.list({ from: channel.id, limit: 200, ...(page && { page }) }, { signal }),
  );
  const bindings = useQuery({
    queryKey: ["channels", "bindings", channel.id, "some"],
    queryFn: ({ signal }) => api.channels.bindings({ channel: channel.id, limit: 500 }, { signal }),
  });
  const chats = chatsOf(messages.items, bindings.data?.items ?? []);
  return (
    <Section title="Chats" note="those that wrote lately, and those with a binding">
      <Listed
        list={{ ...messages, items: chats }}
        what="chats"
        row={chatRow}
        open={(chat) => (
          <>
            <RouteView id={channel.id} place={{ conversation: chat.conversationId }} />
            {chat.newest?.to === "system" && (
              <p className="pb-2 text-small text-ink2">
                A stranger's message goes to no agent until its sender, or the chat, is let in.
              </p>
            )}
            {isOperator && <MoveForm key={chat.conversationId} channel={channel} chat={chat} />}
            {chat.newest && (
              <p className="text-small">
                <Link to="/threads/$id" params={{ id: `${chat.newest.threadId}` }} className="text-accent underline">
                  {`its newest message, ${chat.newest.id}`}
                </Link>
              </p>
            )}
          </>
        )}
        empty="Nobody has written there yet. Write to the account from a chat: a stranger is told a code, and asks to be let in here."
      />
      {messages.hasMore && (
        <div className="px-3 py-2">
          <Button onClick={messages.readMore}>Look further back</Button>
        </div>
      )}
    </Section>
  );
}

const chatRow = ({ conversationId, names, newest, bound }: Chat): RowParts => ({
  ...{ id: conversationId, glyph: newest?.to === "user" ? "you" : "idle" },
  ...(newest && { since: newest.createdAt }),
  what: (
    <>
      <strong>{visible(names.join(", ") || conversationId)}</strong>{" "}
      {newest && (newest.encoding === "plain" ? visible(newest.body.replace(/\s+/g, " ").slice(0, 120)) : "encrypted")}
    </>
  ),
  why: [
    names.length > 0 && `chat ${visible(conversationId)}`,
    bound.length > 0 ? `bound to ${visible(bound.join(", "))}` : "no binding of its own",
    newest && wentTo(newest.to),
  ]
    .filter(Boolean)
    .join(" · "),
});

/** Where the newest message went. What strangers write is for `system`, and what nothing is bound to for `user`. */
function wentTo(target: string): string {
  if (target === "system") return "its sender was a stranger: it went to no agent";
  return target === "user" ? "last kept for the operator" : `last went to ${visible(target)}`;
}
