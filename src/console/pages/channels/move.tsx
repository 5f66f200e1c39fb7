import { useQueryClient } from "@tanstack/react-query";
import { useId, useRef, useState } from "react";
import type { BindingDraft } from "../../../protocol/bindings.ts";
import type { Channel } from "../../../protocol/channels.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { FIELD } from "../../ui/fields.tsx";
import { useTargets } from "../threads/targets.ts";
import { draftOf } from "./binding-form.ts";
import type { Chat } from "./chat.ts";
import { useRoute } from "./route-view.tsx";

/** Moves a chat to another agent: a binding of its own, in the place of those it had. */
export function MoveForm({ channel: { id, access }, chat: { conversationId } }: { channel: Channel; chat: Chat }) {
  const cache = useQueryClient();
  const route = useRoute(id, { conversation: conversationId });
  const targets = useTargets();
  const [target, setTarget] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const list = useId();
  const readAgain = () => cache.invalidateQueries({ queryKey: ["channels"] });
  const own = route.data?.items.filter(({ level }) => level === "conversation") ?? [];

  const move = useAct(async () => {
    const [used] = own.filter((one) => one.used);
    const draft: BindingDraft = {
      conversationId,
      target,
      ...(used && { priority: used.priority, topics: used.topics, also: used.also }),
    };
    const { id: made } = await api.channels.bind(id, draft);
    const ended = own.filter((one) => one.id !== made);
    for (const one of ended) await api.channels.unbind(id, one.id);
    setTarget("");
    await readAgain();
    async function undo(): Promise<void> {
      for (const one of own) await api.channels.bind(id, draftOf(one));
      if (!own.some((one) => one.id === made)) await api.channels.unbind(id, made);
      await readAgain();
    }
    return { said: `The chat goes to ${target} now`, undo };
  });
  useKeys({ m: () => field.current?.focus() });

  return (
    <form
      className="flex flex-wrap items-center gap-2 pb-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (target.trim() !== "") move.mutate(undefined);
      }}
    >
      <input
        ref={field}
        value={target}
        list={list}
        onChange={(event) => setTarget(event.target.value)}
        aria-label="Agent that the chat goes to"
        placeholder="Move it to another agent"
        className={`${FIELD} min-w-0 flex-1 max-md:flex-none max-md:w-full`}
        autoComplete="off"
      />
      <datalist id={list}>
        {targets.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <Button type="submit" kind="primary" hint="m" disabled={target.trim() === "" || move.isPending || !route.data}>
        Move
      </Button>
      {access.mode === "listed" && route.data && own.length === 0 && (
        <span className="w-full text-small text-ink3">
          With a binding of its own everyone who writes in this chat is heard, guest or not.
        </span>
      )}
    </form>
  );
}
