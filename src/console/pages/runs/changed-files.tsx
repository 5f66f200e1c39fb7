import { Section } from "../../ui/page.tsx";
import { ChangedLine, useDiff } from "./changes.tsx";

/** Files that a run changed, each a way to its patch. */
export function ChangedFiles({ runId, show }: { runId: string; show(path: string): void }) {
  const { data } = useDiff(runId);
  if (!data || data.files.length === 0) return null;
  const { files, added, removed } = data;
  return (
    <Section title="Files changed" note={`${files.length} · +${added} −${removed}`}>
      <ul className="py-1">
        {files.map((file) => (
          <li key={file.path}>
            <button
              type="button"
              onClick={() => show(file.path)}
              className="flex min-h-7 w-full cursor-pointer items-center gap-2 text-left text-small hover:bg-hover max-md:min-h-12"
            >
              <ChangedLine file={file} />
            </button>
          </li>
        ))}
      </ul>
    </Section>
  );
}
