import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { Run, RunDiff } from "../../../protocol/runs.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { Empty, Failure, Loading } from "../../ui/notes.tsx";
import { type Comments, commentsText } from "./comments.ts";
import { HEARD } from "./composer.tsx";
import { PatchView } from "./patch-view.tsx";

type File = RunDiff["files"][number];

/** Files that a run changed. */
export const useDiff = (runId: string, enabled = true) =>
  useQuery({ queryKey: ["run", runId, "diff"], enabled, queryFn: ({ signal }) => api.runs.diff(runId, { signal }) });

interface Props {
  run: Run;
  /** Absent where the person may not write. */
  comments: Comments | undefined;
  /** Files that are opened to their patch. */
  opened: ReadonlySet<string>;
  toggle(path: string): void;
}

/** Changed files with their patches. Comments on lines are sent as one message. */
export function Changes({ run, comments, opened, toggle }: Props) {
  const { data, dataUpdatedAt, error, refetch } = useDiff(run.id);
  const failure = error && <Failure error={error} retry={() => void refetch()} asOf={data && dataUpdatedAt} />;
  if (failure && !data) return failure;
  if (!data) return <Loading what="the changes" />;
  if (data.files.length === 0 && !failure) return <Empty>This run changed no files.</Empty>;
  return (
    <>
      {failure}
      <ul>
        {data.files.map((file) => (
          <Changed
            key={file.path}
            file={file}
            comments={comments}
            isOpen={opened.has(file.path)}
            toggle={() => toggle(file.path)}
          />
        ))}
      </ul>
      {data.cut && <p className="py-1 text-small text-ink3">The run is too large: some patches were not kept.</p>}
      {comments && <SendComments run={run} comments={comments} />}
    </>
  );
}

/** Path, kind of change and counts of a file. */
export const ChangedLine = ({ file: { path, change, added, removed } }: { file: File }) => (
  <>
    <span className="min-w-0 flex-1 font-mono wrap-anywhere">{visible(path)}</span>
    <span className="text-ink3">{change === "modified" ? "" : visible(change)}</span>
    <span className="font-mono whitespace-nowrap text-ink2">{`+${added} −${removed}`}</span>
  </>
);

interface ChangedProps {
  file: File;
  comments: Comments | undefined;
  isOpen: boolean;
  toggle(): void;
}

function Changed({ file, comments, isOpen, toggle }: ChangedProps) {
  const place = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (isOpen) place.current?.scrollIntoView({ block: "nearest" });
  }, [isOpen]);
  const { path, patch } = file;
  if (patch === null)
    return (
      <li className="flex gap-2 border-b border-line py-1.5 text-small">
        <ChangedLine file={file} />
      </li>
    );
  return (
    <li ref={place} className="border-b border-line">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={toggle}
        className="flex min-h-8 w-full cursor-pointer items-center gap-2 text-left text-small hover:bg-hover max-md:min-h-12"
      >
        <ChangedLine file={file} />
      </button>
      {isOpen && <PatchView key={patch} path={path} patch={patch} comments={comments} />}
    </li>
  );
}

function SendComments({ run, comments }: { run: Run; comments: Comments }) {
  const { written, clear } = comments;
  const send = useAct(async () => {
    const { mode } = await api.runs.tell(run.id, { text: commentsText(written) });
    clear();
    return { said: HEARD[mode] };
  });
  if (written.length === 0)
    return (
      <p className="py-3 text-small text-ink3">
        Press the number of a line to comment on it: arrows move, enter opens.
      </p>
    );
  const count = written.length === 1 ? "1 comment" : `${written.length} comments`;
  return (
    <div className="sticky bottom-0 flex flex-wrap items-center gap-2 border-t border-line bg-bg py-3 max-md:bottom-14">
      <span className="flex-1">{`${count}, not sent yet`}</span>
      <Button kind="quiet" disabled={send.isPending} onClick={clear}>
        Discard
      </Button>
      <Button kind="primary" disabled={send.isPending} onClick={() => send.mutate(undefined)}>
        {`Send ${count} as one message`}
      </Button>
    </div>
  );
}
