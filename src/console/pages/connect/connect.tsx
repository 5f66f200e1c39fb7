import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api } from "../../api.ts";
import { useWho } from "../../frame/who.ts";
import { Button } from "../../ui/button.tsx";
import { Exact } from "../../ui/exact.tsx";
import { FIELD } from "../../ui/fields.tsx";
import { Glyph } from "../../ui/glyph.tsx";
import { Empty, Failure } from "../../ui/notes.tsx";
import { copy } from "../../ui/secret.tsx";
import { useArrival } from "./use-arrival.ts";
import { freeName, WAYS, type Way } from "./ways.ts";

/** Ways to connect something, each with a line that is made and copied by a click. */
export function Connect() {
  const { isOperator, name, role } = useWho();
  if (!isOperator)
    return <Empty>{`${name === role ? `A ${role}` : `${name} is a ${role}: an operator`} connects agents.`}</Empty>;
  return (
    <>
      {WAYS.map((way) => (
        <WayRow key={way.id} way={way} />
      ))}
      {isLoopback() && (
        <p className="px-3 py-2 text-small text-ink3">
          {`The lines name ${location.origin}, which is this machine alone. For others, open the console by an address that they reach.`}
        </p>
      )}
    </>
  );
}

const isLoopback = (): boolean => /^(localhost|127\.[\d.]+|\[::1\])$/.test(location.hostname);

/** Names that agents have. */
function useTaken(): ReadonlySet<string> {
  const { data } = useQuery({
    queryKey: ["agents", "all"],
    queryFn: ({ signal }) => api.agents.list({ limit: 500 }, { signal }),
  });
  return new Set(data?.items.map(({ id }) => id));
}

function WayRow({ way }: { way: Way }) {
  const taken = useTaken();
  const [typed, setTyped] = useState<string>();
  const make = useMutation({
    async mutationFn(name: string) {
      const agentId = way.agentId(name);
      if (taken.has(agentId))
        throw new Error(`${agentId} is there already. Take another name, or make it a token on its page.`);
      const { token, id } = await api.tokens.create(way.token(name));
      const line = way.line({ url: location.origin, name, token });
      await copy(line, "Copied");
      return { line, agentId, tokenId: id };
    },
  });
  const made = make.data;
  const hasArrived = useArrival(made?.agentId);
  const free = new Set([...taken].map((id) => id.replace(/^(telegram:|orchestrator-)/, "")));
  const name = typed ?? freeName(way.suggests, free);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    make.mutate(name.trim());
  };
  return (
    <section aria-label={way.title} className="border-b border-line px-3 py-2 max-md:px-2">
      <form onSubmit={submit} className="flex flex-wrap items-center gap-2">
        <strong className="w-28 max-md:w-full">{way.title}</strong>
        {!made && (
          <>
            <input
              aria-label={`${way.names}: ${way.title}`}
              value={name}
              onChange={({ target }) => setTyped(target.value)}
              spellCheck={false}
              className={`${FIELD} w-44 font-mono max-md:min-w-0 max-md:flex-1`}
            />
            <Button type="submit" disabled={make.isPending || name.trim() === ""}>
              Make and copy the line
            </Button>
            <span className="text-small text-ink3 max-md:w-full">{way.where.replace(/:$/, ".")}</span>
          </>
        )}
      </form>
      {make.error && <Failure error={make.error} />}
      {made && (
        <>
          <p className="py-1 text-small text-ink2">{way.where}</p>
          <Exact>{made.line}</Exact>
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1 pt-2">
            <Button onClick={() => void copy(made.line, "Copied")}>Copy</Button>
            <Arrival agentId={made.agentId} hasArrived={hasArrived} />
          </div>
          <p className="pt-1 text-small text-ink3">
            {`Its token (${made.tokenId}) is shown this once, and is listed under tokens.`}
          </p>
        </>
      )}
    </section>
  );
}

const Arrival = ({ agentId, hasArrived }: { agentId: string; hasArrived: boolean }) => (
  <p role="status" className="flex items-center gap-2">
    <Glyph name={hasArrived ? "ok" : "away"} />
    {hasArrived ? `${agentId} arrived` : `Waits for ${agentId}`}
    {hasArrived && (
      <Link to="/agents/$id" params={{ id: agentId }} className="text-accent underline">
        See it
      </Link>
    )}
  </p>
);
