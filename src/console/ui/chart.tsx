import { lazy, Suspense } from "react";
import type { PlotProps } from "./plot.tsx";

const Plot = lazy(async () => ({ default: (await import("./plot.tsx")).Plot }));

interface ChartProps extends Omit<PlotProps, "height"> {
  height?: number;
  title: string;
  /** The answer in words, beside the title. */
  answer: string;
}

/** A chart with its title and its answer in words: the words are enough for whoever does not see it. Nothing is drawn of nothing. */
export function Chart({ title, answer, height = 120, ...plot }: ChartProps) {
  return (
    <figure className="min-w-0" aria-label={`${title}: ${answer}`}>
      <figcaption className="mb-1 flex items-baseline gap-2">
        <span className="text-small text-ink3">{title}</span>
        <strong className="font-mono">{answer}</strong>
      </figcaption>
      {plot.values.some((value) => value !== null && value !== 0) && (
        <Suspense fallback={<div style={{ height }} />}>
          <Plot {...plot} height={height} />
        </Suspense>
      )}
    </figure>
  );
}
