import { type ReactNode, useEffect, useState } from "react";
import { RelayProblem } from "../../client/errors.ts";
import { visible } from "../../protocol/visible.ts";
import { Button } from "./button.tsx";

/** Nothing is there: a sentence, and the next step. */
export const Empty = ({ children }: { children: ReactNode }) => <div className="px-3 py-4 text-ink2">{children}</div>;

/** Words while a list loads. Before 400 ms there is nothing to see. */
export function Loading({ what }: { what: string }) {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 400);
    return () => clearTimeout(timer);
  }, []);
  return isLate ? <p className="px-3 py-4 text-ink2" role="status">{`Loading ${what}…`}</p> : null;
}

interface FailureProps {
  error: unknown;
  retry?: () => void;
  /** Time at which what is still shown was read. */
  asOf?: number | undefined;
}

/** Why something failed, in the relay's words, with what a report needs. */
export function Failure({ error, retry, asOf }: FailureProps) {
  const problem = error instanceof RelayProblem ? error : undefined;
  const words = error instanceof Error ? error.message : String(error);
  return (
    <div className="flex flex-wrap items-center gap-3 px-3 py-4" role="alert">
      <span className="text-red wrap-anywhere">{visible(words)}</span>
      {problem && (
        <code className="font-mono text-small text-ink3 select-all">{`${problem.code} ${problem.body.requestId}`}</code>
      )}
      {asOf !== undefined && <span className="text-ink2">{`as of ${new Date(asOf).toLocaleTimeString()}`}</span>}
      {retry && <Button onClick={retry}>Retry</Button>}
    </div>
  );
}
