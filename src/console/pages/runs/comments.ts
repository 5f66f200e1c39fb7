import { harmlessLine } from "../../../protocol/harmless.ts";
import { useDraft } from "../../ui/drafts.ts";
import type { PatchLine } from "./patch.ts";

/** A comment of a person on one line of a changed file. */
export interface Comment {
  path: string;
  line: PatchLine;
  text: string;
}

/** Characters of a path and of a quoted line: both are the agent's, not the person's. */
const PATH = 400;
const QUOTED = 200;

const keyOf = ({ path, line }: Pick<Comment, "path" | "line">): string => `${line.index} ${path}`;

/** Comments on a run that a person has written and not yet sent. */
export function useComments(runId: string) {
  const [kept, keep] = useDraft(`comments ${runId}`);
  const written = new Map<string, Comment>(kept === "" ? [] : JSON.parse(kept));
  return {
    runId,
    written: [...written.values()],
    of: (place: Pick<Comment, "path" | "line">): string | undefined => written.get(keyOf(place))?.text,
    /** An empty text takes the comment away. */
    write(comment: Comment): void {
      const next = new Map(written);
      if (comment.text.trim() === "") next.delete(keyOf(comment));
      else next.set(keyOf(comment), comment);
      keep(next.size > 0 ? JSON.stringify([...next]) : "");
    },
    clear: (): void => keep(""),
  };
}

export type Comments = ReturnType<typeof useComments>;

/** Comments as one message to a run: place, quoted line, words. What is quoted acts on nothing. */
export function commentsText(comments: readonly Comment[]): string {
  const sorted = comments.toSorted((a, b) =>
    a.path < b.path ? -1 : a.path > b.path ? 1 : a.line.index - b.line.index,
  );
  const said = sorted.map(({ path, line, text }) => {
    const place = line.number === null ? "" : `:${line.number}`;
    const removed = line.sign === "-" ? " (removed)" : "";
    const quoted = harmlessLine(line.text.slice(1), QUOTED);
    return `${harmlessLine(path, PATH)}${place}${removed}\n> ${quoted}\n${text.trim()}`;
  });
  return `Comments on your changes:\n\n${said.join("\n\n")}`;
}
