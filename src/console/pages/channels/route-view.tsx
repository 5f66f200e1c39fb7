import { useQuery } from "@tanstack/react-query";
import type { RouteReport } from "../../../protocol/bindings.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { Glyph } from "../../ui/glyph.tsx";
import { Failure } from "../../ui/notes.tsx";

const LEVEL: Record<RouteReport["items"][number]["level"], string> = {
  thread: "of its thread",
  conversation: "of this chat",
  default: "for all chats",
};

/** A chat, or one thread of it; all of the channel without. */
export interface Place {
  conversation?: string | undefined;
  thread?: string | undefined;
}

export const useRoute = (id: string, { conversation, thread }: Place) =>
  useQuery({
    queryKey: ["channels", "route", id, conversation ?? "", thread ?? ""],
    queryFn: ({ signal }) =>
      api.channels.route(id, { ...(conversation && { conversation }), ...(thread && { thread }) }, { signal }),
  });

/** Where a message there would go now, and which bindings were looked at. */
export function RouteView({ id, place }: { id: string; place: Place }) {
  const { data, error, refetch } = useRoute(id, place);
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return null;
  const targets = data.items.flatMap(({ goesTo }) => goesTo ?? []);
  return (
    <div className="py-2">
      <p role="status">
        {targets.length > 0 ? (
          <>
            A message there goes to <strong>{visible(targets.join(", "))}</strong>.
          </>
        ) : (
          "A message there goes to no agent: it is kept for the operator."
        )}
      </p>
      <ul className="mt-1 text-small text-ink2">
        {data.items.map(({ id: bindingId, level, used, target, goesTo, mode, priority, endedAt }) => (
          <li key={bindingId} className="flex items-center gap-2 py-0.5 wrap-anywhere">
            <Glyph name={used ? "held" : "open"} />
            <span>
              {`${used ? "counts" : "is passed over"}: binding ${LEVEL[level]} to ${visible(target)}`}
              {` · ${mode}${priority === 0 ? "" : ` · priority ${priority}`}`}
              {used && goesTo !== null && goesTo !== target && ` · its target is away: the fallback ${visible(goesTo)}`}
              {endedAt !== null && " · its target was deleted"}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
