import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { RunDiff } from "../../../protocol/runs.ts";
import { api } from "../../api.ts";
import { visible } from "../../ui/exact.tsx";
import { Failure } from "../../ui/notes.tsx";
import { Section } from "../../ui/page.tsx";

/** Files that a run changed, each opened to its patch. */
export function ChangedFiles({ runId }: { runId: string }) {
  const diff = useQuery({
    queryKey: ["run", runId, "diff"],
    queryFn: ({ signal }) => api.runs.diff(runId, { signal }),
  });
  if (diff.error && !diff.data) return <Failure error={diff.error} retry={() => void diff.refetch()} />;
  if (!diff.data || diff.data.files.length === 0) return null;
  const { files, added, removed, cut } = diff.data;
  return (
    <Section title="Files changed" note={`${files.length} · +${added} −${removed}`}>
      <ul className="py-1">
        {files.map((file) => (
          <Changed key={file.path} file={file} />
        ))}
      </ul>
      {cut && <p className="py-1 text-small text-ink3">The run is too large: some patches were not kept.</p>}
    </Section>
  );
}

function Changed({ file: { path, change, added, removed, patch } }: { file: RunDiff["files"][number] }) {
  const [isOpen, setOpen] = useState(false);
  const counts = `+${added} −${removed}`;
  const name = (
    <>
      <span className="min-w-0 flex-1 font-mono wrap-anywhere">{visible(path)}</span>
      <span className="text-ink3">{change === "modified" ? "" : change}</span>
      <span className="font-mono whitespace-nowrap text-ink2">{counts}</span>
    </>
  );
  if (patch === null) return <li className="flex gap-2 py-1 text-small">{name}</li>;
  return (
    <li>
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="flex min-h-7 w-full cursor-pointer items-center gap-2 text-left text-small hover:bg-hover max-md:min-h-12"
      >
        {name}
      </button>
      {isOpen && <Patch text={patch} />}
    </li>
  );
}

const tint = (line: string): string =>
  line.startsWith("+") && !line.startsWith("+++")
    ? "bg-green-t"
    : line.startsWith("-") && !line.startsWith("---")
      ? "bg-red-t"
      : line.startsWith("@@")
        ? "text-ink3"
        : "";

/** A patch in one column: additions and removals by sign and tint. */
function Patch({ text }: { text: string }) {
  return (
    <pre className="my-1 rounded-control border border-line bg-surface font-mono text-small whitespace-pre-wrap wrap-anywhere">
      {text.split("\n").map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines of one text
        <span key={index} className={`block px-2 ${tint(line)}`}>
          {visible(line) || " "}
        </span>
      ))}
    </pre>
  );
}
