import { Outlet, useNavigate } from "@tanstack/react-router";
import { Toaster } from "sonner";
import { useAttention } from "../live/attention.ts";
import { StandingHolds } from "./holds.tsx";
import { useKeys } from "./keys.ts";
import { useLive } from "./live.ts";
import { PLACES } from "./places.ts";
import { BottomBar, Rail } from "./rail.tsx";

/** The frame of every page: places, the keys that lead to them, and room for the page. */
export function Frame() {
  const navigate = useNavigate();
  useLive();
  const needs = useAttention().data?.items.length ?? 0;
  useKeys(Object.fromEntries(PLACES.map(({ to, key }) => [`g ${key}`, () => void navigate({ to })])));
  return (
    <div className="flex min-h-dvh">
      <a href="#main" className="sr-only focus:not-sr-only focus:absolute focus:p-2">
        Skip to the page
      </a>
      <Rail needs={needs} />
      <div className="min-w-0 flex-1">
        <StandingHolds />
        <Outlet />
      </div>
      <BottomBar needs={needs} />
      <Toaster position="bottom-right" />
    </div>
  );
}
