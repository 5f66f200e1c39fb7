import type { ReactNode } from "react";

/** Look of a control that takes text or a choice. */
export const FIELD = "h-8 rounded-control border border-control bg-surface px-2 max-md:h-12";

/** The same of several lines. */
export const AREA = "rounded-control border border-control bg-surface px-2 py-1";

/** A control with its name above it. */
export const Labelled = ({ name, children }: { name: string; children: ReactNode }) => (
  // biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children
  <label className="flex flex-col gap-1">
    <span className="text-small text-ink3">{name}</span>
    {children}
  </label>
);
