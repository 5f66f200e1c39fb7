import type { ReactNode } from "react";

interface TableProps {
  label: string;
  head: readonly string[];
  rows: readonly { key: string; cells: readonly ReactNode[] }[];
  /** Columns at the left that hold words; the others hold numbers. */
  words?: number;
}

/** Numbers in columns: words at the left, numbers in mono at the right of each column. */
export const Table = ({ label, head, rows, words = 1 }: TableProps) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table is scrolled by keys
  <section className="overflow-x-auto" aria-label={label} tabIndex={0}>
    <table className="w-full border-collapse">
      <thead>
        <tr>
          {head.map((name, n) => (
            <th
              key={name}
              scope="col"
              className={`border-b border-line px-3 py-1 text-small font-normal text-ink3 ${n < words ? "text-left" : "text-right"}`}
            >
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, cells }) => (
          <tr key={key} className="hover:bg-hover">
            {cells.map((cell, n) => (
              <td
                key={head[n]}
                className={`border-b border-line px-3 py-1.5 ${n < words ? "min-w-28 wrap-anywhere" : "text-right font-mono whitespace-nowrap"}`}
              >
                {cell}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);
