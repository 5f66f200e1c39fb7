import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { visible } from "../../../protocol/visible.ts";
import type { Delivery } from "../../../protocol/webhooks.ts";
import { api } from "../../api.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { Age } from "../../ui/age.tsx";
import { Button } from "../../ui/button.tsx";
import { Glyph, type GlyphName } from "../../ui/glyph.tsx";
import { Failure, Loading } from "../../ui/notes.tsx";

const GLYPH: Record<Delivery["state"], GlyphName> = { pending: "waits", delivered: "ok", dead: "stuck" };
const WORD: Record<Delivery["state"], string> = { pending: "to deliver", delivered: "delivered", dead: "dead letter" };
const NONE: Record<Delivery["state"], string> = {
  pending: "Nothing waits to be delivered.",
  delivered: "Nothing was delivered in the last day.",
  dead: "No delivery was given up.",
};
const VIEWS = [
  ["dead", "Dead letters"],
  ["pending", "To deliver"],
  ["delivered", "Delivered"],
] as const;

/** Most of a list that one call reads. */
const MOST = 500;

/** Deliveries of one webhook, newest first: at first its dead letters. */
export function Deliveries({ id }: { id: string }) {
  const [state, show] = useState<Delivery["state"]>("dead");
  const [limit, setLimit] = useState(20);
  const { isOperator } = useWho();
  const cache = useQueryClient();
  const { data, error, refetch } = useQuery({
    queryKey: ["webhooks", "deliveries", id, state, limit],
    queryFn: ({ signal }) => api.webhooks.deliveries(id, { state, limit }, { signal }),
    refetchInterval: 5000,
    placeholderData: (had, query) => (query?.queryKey[3] === state ? had : undefined),
  });
  const redeliver = useAct(async (deliveryId?: string) => {
    const { redelivered } = await api.webhooks.redeliver(id, deliveryId === undefined ? {} : { deliveryId });
    await cache.invalidateQueries({ queryKey: ["webhooks"] });
    return { said: `${redelivered} on their way again` };
  });
  return (
    <section aria-label="Deliveries" className="mt-3">
      <div className="flex flex-wrap items-center gap-2">
        {VIEWS.map(([its, name]) => (
          <Button
            key={its}
            kind="quiet"
            aria-pressed={state === its}
            className="aria-pressed:font-semibold aria-pressed:text-ink"
            onClick={() => show(its)}
          >
            {name}
          </Button>
        ))}
        {isOperator && state === "dead" && data && data.items.length > 0 && (
          <Button disabled={redeliver.isPending} onClick={() => redeliver.mutate(undefined)}>
            Deliver all again
          </Button>
        )}
      </div>
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading what="deliveries" />}
      {data?.items.length === 0 && <p className="py-2 text-small text-ink2">{NONE[state]}</p>}
      <ul className="text-small">
        {data?.items.map((delivery) => (
          <One
            key={delivery.id}
            delivery={delivery}
            again={isOperator ? () => redeliver.mutate(delivery.id) : undefined}
          />
        ))}
      </ul>
      {data?.nextPage != null && limit < MOST && (
        <Button className="mt-2" onClick={() => setLimit(Math.min(MOST, limit * 5))}>
          Show more
        </Button>
      )}
    </section>
  );
}

function One({ delivery, again }: { delivery: Delivery; again: (() => void) | undefined }) {
  const { state, type, messageId, attempts, lastStatus, lastError, nextAt, createdAt } = delivery;
  return (
    <li className="flex flex-wrap items-center gap-2 border-b border-line py-1">
      <Glyph name={GLYPH[state]} />
      <span className="min-w-0 flex-1 wrap-anywhere">
        {type}
        {messageId !== null && (
          <>
            {" of "}
            <Link to="/threads/$id" params={{ id: `${messageId}` }} className="text-accent underline">
              {`message ${messageId}`}
            </Link>
          </>
        )}
        {` · ${WORD[state]} · ${attempts} ${attempts === 1 ? "attempt" : "attempts"}`}
        {lastStatus !== null && ` · HTTP ${lastStatus}`}
        {lastError !== null && ` · ${visible(lastError.slice(0, 300))}`}
        {state === "pending" && nextAt !== null && ` · again at ${new Date(nextAt).toLocaleTimeString()}`}
      </span>
      <Age since={createdAt} />
      {again && state === "dead" && <Button onClick={again}>Deliver again</Button>}
    </li>
  );
}
