import type { ReactNode } from "react";

const RING = { fill: "none", stroke: "currentColor", strokeWidth: 1.5 } as const;
const ROUND = { strokeLinecap: "round", strokeLinejoin: "round" } as const;
const ON_DISC = { fill: "none", stroke: "var(--surface)", strokeWidth: 1.5, ...ROUND } as const;

/** Shape: whose move it is. Fill: a live process. Colour: urgency. A word always stands beside it. */
const GLYPHS = {
  working: {
    colour: "text-ink2",
    shape: (
      <>
        <circle cx="6" cy="6" r="2.75" fill="currentColor" />
        <path
          className="animate-turn origin-[6px_6px]"
          d="M6 .75A5.25 5.25 0 0 1 11.25 6"
          {...RING}
          strokeWidth={1.25}
          {...ROUND}
        />
      </>
    ),
  },
  idle: { colour: "text-ink3", shape: <circle cx="6" cy="6" r="4.25" {...RING} /> },
  waits: {
    colour: "text-violet",
    shape: (
      <>
        <circle cx="6" cy="6" r="4.25" {...RING} />
        <path d="M6 1.75a4.25 4.25 0 0 1 0 8.5z" fill="currentColor" />
      </>
    ),
  },
  limited: {
    colour: "text-violet",
    shape: (
      <>
        <circle cx="6" cy="6" r="4.25" {...RING} />
        <path d="M6 3.5V6l1.75 1.25" {...RING} {...ROUND} />
      </>
    ),
  },
  away: { colour: "text-grey", shape: <circle cx="6" cy="6" r="4.25" {...RING} strokeDasharray="2 2" /> },
  you: { colour: "text-amber-g", shape: <path d="M6 .9 11.1 6 6 11.1.9 6z" fill="currentColor" /> },
  youasleep: { colour: "text-amber-g", shape: <path d="M6 1.6 10.4 6 6 10.4 1.6 6z" {...RING} /> },
  stuck: { colour: "text-red", shape: <path d="M6 1 11.4 10.6H.6z" fill="currentColor" /> },
  dead: { colour: "text-red", shape: <path d="M6 2 10.6 10H1.4z" {...RING} {...ROUND} /> },
  ok: {
    colour: "text-green",
    shape: (
      <>
        <rect x="1.25" y="1.25" width="9.5" height="9.5" rx="1.5" fill="currentColor" />
        <path d="m3.6 6.2 1.7 1.7 3.2-3.7" {...ON_DISC} />
      </>
    ),
  },
  error: {
    colour: "text-red",
    shape: (
      <>
        <rect x="1.25" y="1.25" width="9.5" height="9.5" rx="1.5" fill="currentColor" />
        <path d="m4 4 4 4m0-4-4 4" {...ON_DISC} />
      </>
    ),
  },
  aborted: { colour: "text-grey", shape: <rect x="2" y="2" width="8" height="8" rx="1.2" {...RING} /> },
  superseded: {
    colour: "text-grey",
    shape: (
      <>
        <rect x="2" y="2" width="8" height="8" rx="1.2" {...RING} />
        <path d="M4 6h4" {...RING} {...ROUND} />
      </>
    ),
  },
  open: { colour: "text-ink3", shape: <circle cx="6" cy="6" r="4.25" {...RING} /> },
  held: { colour: "text-ink2", shape: <circle cx="6" cy="6" r="4.25" fill="currentColor" /> },
  settled: { colour: "text-grey", shape: <rect x="2" y="2" width="8" height="8" rx="1.2" {...RING} /> },
} satisfies Record<string, { colour: string; shape: ReactNode }>;

export type GlyphName = keyof typeof GLYPHS;

/** Class of the colour of a glyph. */
export const glyphColour = (name: GlyphName): string => GLYPHS[name].colour;

/** A state as a shape, 12 px. Hidden from screen readers: its word is beside it. */
export function Glyph({ name, grey }: { name: GlyphName; grey?: boolean }) {
  const { colour, shape } = GLYPHS[name];
  return (
    <svg
      className={`size-3 shrink-0 ${grey ? "text-grey" : colour}`}
      viewBox="0 0 12 12"
      aria-hidden="true"
      data-glyph={name}
    >
      {shape}
    </svg>
  );
}
