import { type PointerEvent, useEffect, useRef, useState } from "react";
import { countText } from "./amounts.ts";

export interface PlotProps {
  /** Begin of each step, seconds since 1970. */
  at: readonly number[];
  values: readonly (number | null)[];
  /** Bars for amounts, steps for levels, a line for means. */
  kind?: "bars" | "steps" | "line";
  /** A state's colour for what went wrong; else the one hue of charts. */
  colour?: "ink3" | "red";
  /** A value in words. */
  text?(value: number): string;
  height: number;
  /** Steps are whole days UTC. */
  isDays?: boolean;
  /** Values are whole numbers. */
  isWhole?: boolean;
}

const [LEFT, BOTTOM, TOP] = [56, 20, 8];
const DAY_SECONDS = 86_400;
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

const dayText = (seconds: number, isUtc = false): string =>
  new Date(seconds * 1000).toLocaleDateString("en-GB", {
    ...{ day: "numeric", month: "short" },
    ...(isUtc && { timeZone: "UTC" }),
  });

/** Lines of the scale: 0, and up to three above it. */
function ticksOf(most: number, isWhole: boolean): number[] {
  const power = 10 ** Math.floor(Math.log10(most / 3 || 1));
  const step = [1, 2, 5, 10].map((n) => n * power).find((size) => size * 3 >= most) ?? most;
  const whole = isWhole ? Math.max(1, Math.round(step)) : step;
  return Array.from({ length: Math.floor(most / whole) + 1 }, (_, n) => n * whole);
}

/** Draws one series, its scale beginning at 0. The value under the pointer is said below. */
export function Plot({
  at,
  values,
  kind = "bars",
  colour = "ink3",
  text = countText,
  height,
  isDays,
  isWhole,
}: PlotProps) {
  const box = useRef<SVGSVGElement>(null);
  const [width, setWidth] = useState(320);
  const [place, setPlace] = useState<number>();
  useEffect(() => {
    const svg = box.current;
    if (!svg) return;
    const sizes = new ResizeObserver(() => setWidth(svg.clientWidth));
    sizes.observe(svg);
    return () => sizes.disconnect();
  }, []);
  const step = (at[1] ?? 0) - (at[0] ?? 0);
  const isLong = step * at.length > 2 * DAY_SECONDS;
  const labelOf = (seconds: number) => (isLong ? dayText(seconds, isDays) : CLOCK.format(seconds * 1000));
  const most = Math.max(...values.map((value) => value ?? 0)) || 1;
  const slot = (width - LEFT) / Math.max(1, at.length);
  const x = (n: number): number => LEFT + n * slot;
  const y = (value: number): number => height - BOTTOM - (value / most) * (height - BOTTOM - TOP);
  const every = Math.max(1, Math.ceil(72 / slot));
  const hover = ({ clientX, currentTarget }: PointerEvent<SVGSVGElement>): void => {
    const n = Math.floor((clientX - currentTarget.getBoundingClientRect().left - LEFT) / slot);
    setPlace(n >= 0 && n < at.length ? n : undefined);
  };
  const value = place === undefined ? null : values[place];
  const time = place === undefined ? undefined : at[place];
  return (
    <div aria-hidden="true">
      <svg
        ref={box}
        aria-hidden="true"
        className="block w-full font-mono text-micro"
        height={height}
        onPointerMove={hover}
        onPointerLeave={() => setPlace(undefined)}
      >
        {ticksOf(most, isWhole ?? false).map((tick) => (
          <g key={tick}>
            <line x1={LEFT} x2={width} y1={y(tick)} y2={y(tick)} className="stroke-line" />
            <text x={LEFT - 6} y={y(tick) + 4} textAnchor="end" className="fill-ink3">
              {text(tick)}
            </text>
          </g>
        ))}
        {at.map(
          (seconds, n) =>
            n % every === 0 &&
            x(n) + 56 < width && (
              <text key={seconds} x={x(n)} y={height - 4} className="fill-ink3">
                {labelOf(seconds)}
              </text>
            ),
        )}
        {kind === "bars" ? (
          values.map((one, n) =>
            one ? (
              <rect
                key={at[n]}
                x={x(n) + slot * 0.15}
                y={y(one)}
                width={Math.max(1, Math.min(24, slot * 0.7))}
                height={Math.max(1, y(0) - y(one))}
                className={colour === "red" ? "fill-red" : "fill-ink3"}
              />
            ) : null,
          )
        ) : (
          <path
            d={pathOf(values, kind, x, y)}
            fill="none"
            strokeWidth={1.5}
            strokeLinecap="round"
            className={colour === "red" ? "stroke-red" : "stroke-ink3"}
          />
        )}
        {place !== undefined && (
          <line
            x1={x(place) + slot / 2}
            x2={x(place) + slot / 2}
            y1={TOP}
            y2={y(0)}
            className="stroke-control"
            strokeDasharray="2 2"
          />
        )}
      </svg>
      <p className="h-4 text-right font-mono text-micro text-ink3">
        {value != null &&
          time !== undefined &&
          `${dayText(time, isDays)}${isDays ? "" : ` ${CLOCK.format(time * 1000)}`} · ${text(value)}`}
      </p>
    </div>
  );
}

type Scale = (value: number) => number;

/** A line that is broken where there is no value. A level lasts its whole step. */
function pathOf(values: readonly (number | null)[], kind: "steps" | "line", x: Scale, y: Scale): string {
  let isDown = false;
  return values
    .map((value, n) => {
      if (value === null) {
        isDown = false;
        return "";
      }
      const begin = isDown ? "L" : "M";
      isDown = true;
      const middle = (x(n) + x(n + 1)) / 2;
      if (kind === "steps") return `${begin}${x(n)} ${y(value)}H${x(n + 1)}`;
      // A single mean would have no length.
      return `${begin}${middle - 0.5} ${y(value)}h1`;
    })
    .join("");
}
