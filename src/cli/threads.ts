import type { ThreadChange, ThreadSummary } from "../protocol/threads.ts";
import type { CliCommand, QueryOf } from "./commands.ts";
import { wholeNumber } from "./options.ts";
import { safeLine } from "./screen.ts";
import { timeText } from "./show.ts";

const GROUP = "Messages:";
const COLUMNS = ["ID", "LAST", "UNREAD", "REPLIES", "RUNS", "WITH", "TITLE"];

const rowOf = ({ id, title, lastMessage, unread, replies, liveRuns, participants }: ThreadSummary): string[] => [
  ...[String(id), lastMessage ? timeText(lastMessage.createdAt) : "", unread ? String(unread) : ""],
  ...[String(replies), liveRuns ? String(liveRuns) : "", safeLine(participants.join(", ")), safeLine(title ?? "")],
];

/** Threads, and what people note of them. */
export function addThreadCommands(program: CliCommand): void {
  const threads = program.sub("threads", "Show threads, and name, archive or mark them as read", GROUP);
  threads
    .sub("list", "List threads, newest activity first")
    .argument("[words...]", "words of a message in it, or of its title")
    .option("--participant <agent>", "this agent, or user, is in it")
    .option("--archived", "those that were archived")
    .option("--project <project>", "about this project")
    .option("--tag <tag>", "with this tag")
    .option("--pr <pull>", "with this pull request: its address, owner/name#7, or 7")
    .paged()
    .example("threads list --participant user", "threads list deploy")
    .act(async ({ client, out }, words: string[], options: Options<typeof client.threads.list>) => {
      const { archived, ...query } = options;
      const filter = { archived: archived ? "true" : "false", q: words.join(" ") || undefined } as const;
      const page = await client.threads.list({ ...query, ...filter });
      await out.page(page, "No such thread", (items) => out.table(COLUMNS, items.map(rowOf)));
    });
  threads
    .sub("change", "Name a thread, archive it, or choose whom it goes to")
    .argument("<id>", "the thread's id", wholeNumber)
    .option("--title <line>", "its name")
    .option("--archive", "leave it out of the list until something new comes")
    .option("--restore", "bring it back")
    .option("--agent <agent>", "whom your messages in it go to")
    .example("threads change 17 --title 'The release' --agent codex-1")
    .act(async ({ client, out }, id: number, { title, archive, restore, agent }: ChangeOptions) => {
      const change: ThreadChange = { title, archived: archive ? true : restore ? false : undefined, agentId: agent };
      const thread = await client.threads.change(id, change);
      await out.show(thread, () => out.table(COLUMNS, [rowOf(thread)]));
    });
  threads
    .sub("read", "Mark a thread as read")
    .argument("<id>", "the thread's id", wholeNumber)
    .option("--up-to <id>", "up to this message", wholeNumber)
    .example("threads read 17")
    .act(async ({ client, out }, id: number, { upTo = Number.MAX_SAFE_INTEGER }: { upTo?: number }) => {
      const thread = await client.threads.read(id, upTo);
      await out.show(thread, () => `${thread.unread} unread`);
    });
}

type Options<F extends (...given: never[]) => unknown> = Omit<QueryOf<F>, "archived"> & { archived?: boolean };

interface ChangeOptions {
  title?: string;
  archive?: boolean;
  restore?: boolean;
  agent?: string;
}
