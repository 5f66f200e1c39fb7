import { useMemo } from "react";
import type { FlowEdge } from "../../../protocol/stats.ts";
import { countText } from "../../ui/amounts.ts";
import { layersOf } from "./layers.ts";
import { Party } from "./party.tsx";

const NODE = { width: 168, height: 32 };
const [MARGIN, COLUMN, ROW] = [8, 96 + NODE.width, 20 + NODE.height];

/** The picture of who talks to whom, from left to right: thicker lines carry more messages. */
export function FlowGraph({ edges }: { edges: readonly FlowEdge[] }) {
  const { width, height, nodes, lines } = useMemo(() => pictureOf(edges), [edges]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide picture is scrolled by keys
    <section className="mb-4 max-h-[520px] overflow-auto" aria-label="Picture of the flow" tabIndex={0}>
      <div className="relative" style={{ width, height }}>
        <svg width={width} height={height} aria-hidden="true" className="absolute inset-0 text-ink3">
          <defs>
            <marker
              id="flow-arrow"
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="8"
              markerHeight="8"
              markerUnits="userSpaceOnUse"
              orient="auto"
            >
              <path d="M0 0 8 4 0 8z" fill="currentColor" />
            </marker>
          </defs>
          {lines.map(({ id, path, strokeWidth, label, at, owes }) => (
            <g key={id}>
              <path
                d={path}
                fill="none"
                stroke="currentColor"
                strokeWidth={strokeWidth}
                strokeDasharray={owes ? "6 3" : undefined}
                markerEnd="url(#flow-arrow)"
              />
              <text
                x={at.x}
                y={at.y - 4}
                textAnchor="middle"
                className="fill-ink2 font-mono text-micro"
                paintOrder="stroke"
                stroke="var(--bg)"
                strokeWidth="3"
              >
                {label}
              </text>
            </g>
          ))}
        </svg>
        {nodes.map(({ id, x, y }) => (
          <div
            key={id}
            title={id}
            className="absolute flex items-center justify-center rounded-control border border-control bg-surface px-2 font-mono text-small"
            style={{ ...NODE, left: x - NODE.width / 2, top: y - NODE.height / 2 }}
          >
            <span className="truncate">
              <Party id={id} />
            </span>
          </div>
        ))}
      </div>
    </section>
  );
}

/** From the right of one to the left of another; back, and to itself, in a bow below. */
function pathOf(from: Place, to: Place): string {
  const half = { x: NODE.width / 2, y: NODE.height / 2 };
  if (to.x > from.x) {
    const [x1, x2] = [from.x + half.x, to.x - half.x];
    const bend = (x2 - x1) / 2;
    return `M${x1} ${from.y}C${x1 + bend} ${from.y} ${x2 - bend} ${to.y} ${x2} ${to.y}`;
  }
  const [x1, y1, x2, y2] = [from.x + half.x / 2, from.y + half.y, to.x - half.x / 2, to.y + half.y];
  const low = Math.max(y1, y2) + ROW;
  return `M${x1} ${y1}C${x1} ${low} ${x2} ${low} ${x2} ${y2}`;
}

interface Place {
  x: number;
  y: number;
}

/** The middle of such a line. */
function middleOf(from: Place, to: Place): Place {
  if (to.x > from.x) return { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  return { x: (from.x + to.x) / 2, y: Math.max(from.y, to.y) + NODE.height / 2 + ROW * 0.75 };
}

function pictureOf(flow: readonly FlowEdge[]) {
  const layers = layersOf(flow.filter(({ from, to }) => from !== to).map(({ from, to }) => [from, to]));
  for (const { from } of flow) if (!layers.flat().includes(from)) layers[0] = [...(layers[0] ?? []), from];
  const tallest = Math.max(...layers.map((layer) => layer.length));
  const places = new Map<string, Place>();
  for (const [column, layer] of layers.entries())
    for (const [row, id] of layer.entries())
      places.set(id, {
        x: MARGIN + column * COLUMN + NODE.width / 2,
        y: MARGIN + 12 + (row + (tallest - layer.length) / 2) * ROW + NODE.height / 2,
      });
  const most = Math.max(...flow.map(({ messages }) => messages));
  const placeOf = (id: string): Place => places.get(id) ?? { x: 0, y: 0 };
  return {
    width: 2 * MARGIN + (layers.length - 1) * COLUMN + NODE.width,
    height: 2 * MARGIN + tallest * ROW + ROW,
    nodes: [...places].map(([id, place]) => ({ id, ...place })),
    lines: flow.map(({ from, to, messages, delegations }) => {
      const [begin, end] = [placeOf(from), placeOf(to)];
      return {
        ...{ id: `${from}\n${to}`, path: pathOf(begin, end), label: countText(messages), at: middleOf(begin, end) },
        ...{ strokeWidth: 1 + 3 * (Math.log1p(messages) / Math.log1p(most)), owes: delegations > 0 },
      };
    }),
  };
}
