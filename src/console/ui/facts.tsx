import type { ReactNode } from "react";
import { shownChild } from "./exact.tsx";

/** Facts as pairs of a name and a value. */
export const FactList = ({ children }: { children: ReactNode }) => (
  <dl className="grid grid-cols-[88px_minmax(0,1fr)] gap-y-1 py-2 text-small wrap-anywhere">{children}</dl>
);

/** One fact; nothing where it is not known. */
export const Fact = ({ name, children }: { name: string; children: ReactNode }) =>
  children === null || children === undefined || children === false || children === "" ? null : (
    <>
      <dt className="text-ink3">{name}</dt>
      <dd>{shownChild(children)}</dd>
    </>
  );
