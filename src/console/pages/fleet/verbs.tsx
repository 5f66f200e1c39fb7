import { useState } from "react";
import type { CommandInput } from "../../../protocol/commands.ts";
import type { Session } from "../../../protocol/sessions.ts";
import { api } from "../../api.ts";
import { useActs } from "../../frame/acts.ts";
import { useKeys } from "../../frame/keys.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { Exact } from "../../ui/exact.tsx";
import { FIELD } from "../../ui/fields.tsx";

/** Seconds to wait for a daemon's answer. */
const WAIT = 30;

/** Gives a daemon a command, and answers with its words. @throws when it could not, or has not answered in time */
async function command(orchestratorId: string, given: CommandInput): Promise<string> {
  const { answer } = await api.orchestrators.command(orchestratorId, given, { waitSeconds: WAIT });
  if (!answer) return `${orchestratorId} has not answered yet.`;
  if (answer.error !== null) throw new Error(answer.error);
  return answer.text ?? "Done.";
}

/** Verbs on a live session: its daemon does them. */
export function SessionVerbs({ session }: { session: Session }) {
  const { id, orchestratorId, agentId, place, lane } = session;
  const { writes, isOperator } = useWho();
  const [peeked, setPeeked] = useState<string>();
  const [isSure, setSure] = useState(false);
  const peek = useAct(async () => {
    setPeeked(await command(orchestratorId, { do: "peek", sessionId: id }));
    return undefined;
  });
  const act = useAct(async (given: CommandInput) => ({ said: await command(orchestratorId, given) }));
  const interrupt = (): void => act.mutate({ do: "interrupt", sessionId: id });
  const isLive = session.state !== "dead";
  useKeys(writes && isLive ? { i: interrupt, p: () => peek.mutate(undefined) } : {});
  useActs(
    writes && isLive
      ? [
          { name: `Interrupt ${agentId}`, hint: "i", run: interrupt },
          { name: `Peek at ${agentId}`, hint: "p", run: () => peek.mutate(undefined) },
        ]
      : [],
  );
  if (!writes || !isLive) return null;
  return (
    <>
      <div className="flex flex-wrap gap-2 py-3">
        <Button hint="p" disabled={peek.isPending} onClick={() => peek.mutate(undefined)}>
          {peek.isPending ? "Peeking…" : "Peek"}
        </Button>
        <Button hint="i" disabled={act.isPending} onClick={interrupt}>
          Interrupt
        </Button>
        {isOperator && lane === "main" && (
          <Button
            disabled={act.isPending}
            onClick={() => act.mutate({ do: "clear", agentId, ...(place !== null && { place }) })}
          >
            Clear
          </Button>
        )}
        <Button
          kind="danger"
          disabled={act.isPending}
          onClick={() => {
            if (isSure) act.mutate({ do: "kill", sessionId: id });
            setSure(!isSure);
          }}
        >
          {isSure ? "Kill it: its turn is lost" : "Kill"}
        </Button>
      </div>
      <Tell session={session} />
      {peeked !== undefined && <Exact>{peeked}</Exact>}
    </>
  );
}

function Tell({ session: { id, orchestratorId, agentId } }: { session: Session }) {
  const [text, setText] = useState("");
  const [field, setField] = useState<HTMLInputElement | null>(null);
  const send = useAct(async () => {
    const said = await command(orchestratorId, { do: "send", sessionId: id, text });
    setText("");
    return { said };
  });
  useKeys({ m: () => field?.focus() });
  return (
    <form
      className="flex gap-2 pb-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== "") send.mutate(undefined);
      }}
    >
      <input
        ref={setField}
        value={text}
        onChange={({ target }) => setText(target.value)}
        aria-label={`Tell ${agentId}`}
        placeholder="Tell it something"
        className={`${FIELD} min-w-0 flex-1`}
      />
      <Button type="submit" hint="m" disabled={text.trim() === "" || send.isPending}>
        Tell
      </Button>
    </form>
  );
}
