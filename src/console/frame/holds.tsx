import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import type { Hold, HoldScope } from "../../protocol/holds.ts";
import { visible } from "../../protocol/visible.ts";
import { api } from "../api.ts";
import { useAct } from "../ui/act.ts";
import { Button, Key } from "../ui/button.tsx";
import { clockText } from "../ui/states.ts";
import { useActs } from "./acts.ts";
import { useKeys } from "./keys.ts";
import { useWho } from "./who.ts";

const HoldDialog = lazy(async () => ({ default: (await import("./hold-dialog.tsx")).HoldDialog }));

/** A scope in words. */
export function scopeText(scope: HoldScope): string {
  if (scope === "all") return "Everything";
  if ("project" in scope) return `Project ${scope.project}`;
  return "tag" in scope ? `Tag ${scope.tag}` : `Machine ${scope.orchestratorId}`;
}

/** Holds that stand, above every page. */
export function StandingHolds() {
  const { data } = useQuery({
    queryKey: ["holds"],
    queryFn: ({ signal }) => api.holds.list({ lifted: "false", limit: 20 }, { signal }),
  });
  if (!data || data.items.length === 0) return null;
  return (
    <section aria-label="Holds" className="border-b border-line bg-amber-t">
      {data.items.map((hold) => (
        <Standing key={hold.id} hold={hold} />
      ))}
    </section>
  );
}

function Standing({ hold }: { hold: Hold }) {
  const { writes } = useWho();
  const cache = useQueryClient();
  const lift = useAct(async () => {
    await api.holds.lift(hold.id);
    await cache.invalidateQueries({ queryKey: ["holds"] });
    return { said: "Lifted: its work begins again in steps" };
  });
  const running = hold.sessions.filter(({ seen }) => seen === "told" || seen === "failed").length;
  return (
    <p className="flex flex-wrap items-center gap-x-3 gap-y-1 px-8 py-2 wrap-anywhere max-md:px-4">
      <span className="flex-1">
        <strong className="text-amber">{`${visible(scopeText(hold.scope))} is held`}</strong>
        {`: ${visible(hold.reason)} · ${visible(hold.person ?? "an operator")} ${clockText(hold.createdAt)}`}
        {running > 0 && ` · ${running} ${running === 1 ? "session is" : "sessions are"} not seen to stop yet`}
      </span>
      {writes && (
        <Button disabled={lift.isPending} onClick={() => lift.mutate(undefined)}>
          Lift
        </Button>
      )}
    </p>
  );
}

/** Holds everything, or a part. `hasKey`: by its key as well, which one button of a page has. */
export function HoldButton({ className = "", hasKey = false }: { className?: string; hasKey?: boolean }) {
  const [isOpen, setOpen] = useState(false);
  const open = (): void => setOpen(true);
  useKeys(hasKey ? Object.fromEntries([["P", open]]) : {});
  useActs(hasKey ? [{ name: "Hold…", hint: "⇧P", run: open }] : []);
  return (
    <>
      <button
        type="button"
        onClick={open}
        className={`cursor-pointer items-center gap-2 rounded-control px-2 text-left text-red hover:bg-hover ${className}`}
      >
        <span className="flex-1">Hold…</span>
        {hasKey && <Key>⇧P</Key>}
      </button>
      {isOpen && (
        <Suspense>
          <HoldDialog close={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
