import { type FormEvent, type KeyboardEvent, useRef } from "react";
import type { Run, RunTold } from "../../../protocol/runs.ts";
import { api } from "../../api.ts";
import { useActs } from "../../frame/acts.ts";
import { useKeys } from "../../frame/keys.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { goOnIn, useDraft } from "../../ui/drafts.ts";

/** Words for what became of a message to a run. */
export const HEARD: Record<RunTold["mode"], string> = {
  steered: "Its running turn hears it",
  queued: "It hears it in its next turn",
  started: "A new turn begins with it",
};

/** Words for a run, and its stop. */
export function Composer({ run }: { run: Run }) {
  const [text, setText] = useDraft(`run ${run.id}`);
  const field = useRef<HTMLTextAreaElement>(null);
  const tell = useAct(async () => {
    const { mode } = await api.runs.tell(run.id, { text });
    setText("");
    return { said: HEARD[mode] };
  });
  const abort = useAct(async () => {
    const { status } = await api.runs.abort(run.id);
    return { said: status === "ended" ? "It has stopped" : "It was asked to stop" };
  });
  const canStop = run.status !== "ended" && run.status !== "stopping";
  const send = (event: FormEvent): void => {
    event.preventDefault();
    if (text.trim() !== "" && !tell.isPending) tell.mutate(undefined);
  };
  const press = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.key === "Escape") field.current?.blur();
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) send(event);
  };
  useActs(canStop ? [{ name: "Stop this run", hint: "i", run: () => abort.mutate(undefined) }] : []);
  useKeys({ m: () => goOnIn(field.current), ...(canStop && { i: () => abort.mutate(undefined) }) });
  return (
    <form
      onSubmit={send}
      className="sticky bottom-0 mt-3 flex items-end gap-2 border-t border-line bg-bg py-3 max-md:bottom-14 max-md:flex-wrap"
    >
      <textarea
        ref={field}
        value={text}
        rows={1}
        onChange={({ target }) => setText(target.value)}
        onKeyDown={press}
        aria-label={`Tell ${run.agentId}`}
        placeholder={run.status === "ended" ? "Tell it something: a new turn begins" : "Tell it something"}
        className="field-sizing-content max-h-40 min-h-8 flex-1 resize-none rounded-control border border-control bg-surface px-2 py-1 max-md:min-h-12 max-md:basis-full"
      />
      <Button
        type="submit"
        kind="primary"
        hint="m"
        className="max-md:flex-1"
        disabled={text.trim() === "" || tell.isPending}
      >
        Tell
      </Button>
      {canStop && (
        <Button
          kind="danger"
          hint="i"
          className="max-md:flex-1"
          disabled={abort.isPending}
          onClick={() => abort.mutate(undefined)}
        >
          Abort
        </Button>
      )}
    </form>
  );
}
