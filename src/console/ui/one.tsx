import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { RelayProblem } from "../../client/errors.ts";
import { Failure, Loading } from "./notes.tsx";
import { Page, Trouble } from "./page.tsx";

/** Statuses of a thing that is not there, or not for this person. */
const GONE = [403, 404, 410];

interface OneProps<Data> {
  query: Pick<UseQueryResult<Data>, "data" | "error" | "dataUpdatedAt"> & { refetch(): unknown };
  /** Name of the thing: "agent". */
  what: string;
  /** Said of a thing that is gone, in place of the plain problem. */
  gone?(error: RelayProblem): ReactNode;
  /** The page of the thing. */
  children(data: Data): ReactNode;
}

/**
 * The page of one thing. A thing that is gone is not shown any more. One that could not be read again is shown as it was, below the problem.
 */
export function One<Data>({ query, what, gone, children }: OneProps<Data>) {
  const { data, error, dataUpdatedAt } = query;
  const retry = (): void => void query.refetch();
  const lost = error instanceof RelayProblem && GONE.includes(error.status) ? error : undefined;
  if (data !== undefined && !lost)
    return (
      <Trouble value={error && <Failure error={error} retry={retry} asOf={dataUpdatedAt} />}>{children(data)}</Trouble>
    );
  return (
    <Page title={error ? `This ${what} cannot be shown` : `${what.slice(0, 1).toUpperCase()}${what.slice(1)}`}>
      {error ? (lost && gone?.(lost)) || <Failure error={error} retry={retry} /> : <Loading what={`the ${what}`} />}
    </Page>
  );
}
