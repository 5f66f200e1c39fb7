import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import type { Binding } from "../../../protocol/bindings.ts";
import type { Channel } from "../../../protocol/channels.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { Facts } from "../../ui/exact.tsx";
import { TextInput } from "../../ui/inputs.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { useSettled } from "../../ui/settled.ts";
import { draftOf } from "./binding-form.ts";
import { RouteView } from "./route-view.tsx";

const BindingDialog = lazy(async () => ({ default: (await import("./binding-dialog.tsx")).BindingDialog }));

/** Bindings of a channel, and a test of where a message would go. */
export function Bindings({ channel }: { channel: Channel }) {
  const { isOperator } = useWho();
  const [makes, setMakes] = useState(false);
  const list = usePages(["channels", "bindings", channel.id], (page, signal) =>
    api.channels.bindings({ channel: channel.id, limit: 100, page }, { signal }),
  );
  useKeys(isOperator ? { c: () => setMakes(true) } : {});
  return (
    <>
      <Section title="Where would a message go?">
        <RouteTest id={channel.id} />
      </Section>
      <Section title="Bindings">
        {isOperator && (
          <div className="px-3 py-2">
            <Button hint="c" onClick={() => setMakes(true)}>
              New binding…
            </Button>
          </div>
        )}
        <Listed
          list={list}
          what="bindings"
          row={bindingRow}
          open={(binding) => <OpenBinding key={binding.id} channel={channel} binding={binding} />}
          empty="No binding: what is written there is kept for the operator, and goes to no agent."
        />
      </Section>
      {makes && (
        <Suspense>
          <BindingDialog channel={channel} close={() => setMakes(false)} />
        </Suspense>
      )}
    </>
  );
}

function RouteTest({ id }: { id: string }) {
  const [conversation, setConversation] = useState("");
  const [thread, setThread] = useState("");
  const place = {
    conversation: useSettled(conversation.trim()) || undefined,
    thread: useSettled(thread.trim()) || undefined,
  };
  return (
    <div className="px-3 py-3">
      <div className="grid gap-3 md:grid-cols-2">
        <TextInput
          name="Chat"
          value={conversation}
          set={setConversation}
          placeholder="any chat: its id, like -100200"
          isMono
        />
        <TextInput name="Thread in it" value={thread} set={setThread} placeholder="none" isMono />
      </div>
      {place.thread !== undefined && place.conversation === undefined ? (
        <p className="py-2 text-ink2">A thread needs the chat that it is in.</p>
      ) : (
        <RouteView id={id} place={place} />
      )}
    </div>
  );
}

function placeText({ conversationId, threadId }: Binding): string {
  if (conversationId === null) return "all chats";
  return threadId === null ? `chat ${conversationId}` : `thread ${threadId} of chat ${conversationId}`;
}

function bindingRow(binding: Binding): RowParts {
  const { id, target, mode, priority, fallback, endedAt, updatedAt } = binding;
  return {
    ...{ id, glyph: endedAt === null ? "held" : "dead", kind: mode, since: updatedAt },
    what: (
      <>
        {`${visible(placeText(binding))} goes to `}
        <strong>{visible(target)}</strong>
      </>
    ),
    why: [
      endedAt !== null && "ended: its target was deleted",
      priority !== 0 && `priority ${priority}`,
      fallback !== null && `else to ${visible(fallback)}`,
    ]
      .filter(Boolean)
      .join(" · "),
  };
}

function OpenBinding({ channel, binding }: { channel: Channel; binding: Binding }) {
  const { isOperator } = useWho();
  const cache = useQueryClient();
  const [edits, setEdits] = useState(false);
  const readAgain = () => cache.invalidateQueries({ queryKey: ["channels"] });
  const remove = useAct(async () => {
    await api.channels.unbind(channel.id, binding.id);
    await readAgain();
    return { said: "Binding ended", undo: () => api.channels.bind(channel.id, draftOf(binding)).then(readAgain) };
  });
  useKeys(isOperator ? { e: () => setEdits(true) } : {});
  const { also, topics, origin } = binding;
  return (
    <>
      <Facts
        items={[
          <code key="id" className="font-mono">
            {binding.id}
          </code>,
          also.length > 0 && `single messages also to ${visible(also.join(", "))}`,
          topics === "per-session" && "each session has a topic of its own",
          origin === "registered" ? "made by its adapter" : "set by an operator",
        ]}
      />
      {isOperator && (
        <div className="flex flex-wrap gap-2">
          <Button hint="e" onClick={() => setEdits(true)}>
            Edit…
          </Button>
          <Button kind="danger" disabled={remove.isPending} onClick={() => remove.mutate(undefined)}>
            End it
          </Button>
        </div>
      )}
      {edits && (
        <Suspense>
          <BindingDialog channel={channel} binding={binding} close={() => setEdits(false)} />
        </Suspense>
      )}
    </>
  );
}
