import { Outlet, useNavigate } from "@tanstack/react-router";
import type { CSSProperties } from "react";
import { Toaster } from "sonner";
import { needsCount, useAttention } from "../live/attention.ts";
import { undoLast } from "../ui/act.ts";
import { step } from "../ui/sequence.ts";
import { switchDensity } from "./density.ts";
import { Dialogs } from "./dialogs.tsx";
import { Fleetmates } from "./fleetmates.tsx";
import { StandingHolds } from "./holds.tsx";
import { useKeys } from "./keys.ts";
import { useLive } from "./live.ts";
import { PLACES } from "./places.ts";
import { BottomBar, Rail } from "./rail.tsx";

/** Colours of the theme, on what floats. */
const TOASTS = {
  "--normal-bg": "var(--surface)",
  "--normal-text": "var(--ink)",
  "--normal-border": "var(--line)",
} as CSSProperties;

/** The frame of every page: places, the keys that lead to them, and room for the page. */
export function Frame() {
  const navigate = useNavigate();
  useLive();
  const { data } = useAttention();
  const needs = data?.items.length ? needsCount(data) : undefined;
  useKeys({
    ...Object.fromEntries(PLACES.map(({ to, key }) => [`g ${key}`, () => void navigate({ to })])),
    j: () => step(1),
    k: () => step(-1),
    z: undoLast,
    d: switchDensity,
  });
  return (
    <div className="flex min-h-dvh">
      <a href="#main" className="sr-only focus:not-sr-only focus:absolute focus:p-2">
        Skip to the page
      </a>
      <Rail needs={needs} />
      <Fleetmates />
      <div className="min-w-0 flex-1">
        <StandingHolds />
        <Outlet />
      </div>
      <BottomBar needs={needs} />
      <Dialogs />
      <Toaster position="bottom-right" mobileOffset={{ bottom: 72 }} style={TOASTS} />
    </div>
  );
}
