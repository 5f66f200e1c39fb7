import { everyItem } from "../client/client.ts";
import type { Attention } from "../protocol/attention.ts";
import type { WatchedMessage } from "../protocol/late.ts";
import { toldText } from "../protocol/told.ts";
import type { CliCommand } from "./commands.ts";
import { localText } from "./show.ts";

const GROUP = "People and approvals:";

/** Things that wait for a person, notes on them, and the projects that they are in. */
export function addAttentionCommands(program: CliCommand): void {
  program
    .sub("projects", "List projects, with what lives in each and what waits for a person", GROUP)
    .option("--active", "those where something lives or waits")
    .example("projects --active")
    .act(async ({ client, out }, { active }: { active?: boolean }) => {
      const read = (page?: string) => client.projects.list({ limit: 500, page, ...(active && { active: "true" }) });
      const items = await Array.fromAsync(everyItem(read));
      const rows = items.map(({ name, live, needs }) => [name, String(live), String(needs)]);
      await out.show({ items, nextPage: null }, () =>
        rows.length === 0 ? "No session, run or thread has a project." : out.table(["PROJECT", "LIVE", "NEEDS"], rows),
      );
    });
  const attention = program.sub("attention", "Show what waits for a person, and say that you see to it", GROUP);
  attention
    .sub("list", "List what waits for a person, most held up first")
    .option("--project <project>", "of one project")
    .example("attention")
    .act(async ({ client, out }, { project }: { project?: string }) => {
      const list = await client.attention.list({ project });
      const rows = list.items.map(({ id, kind, since, count, holdsUp, subject, reason, takenBy }: Attention) => [
        ...[
          id,
          kind,
          localText(since),
          String(count),
          holdsUp.join(", "),
          takenBy ?? "",
          `${subject.title}: ${reason}`,
        ],
      ]);
      await out.show(list, () =>
        rows.length === 0
          ? "Nothing waits for a person."
          : out.table(["ID", "KIND", "SINCE", "COUNT", "HOLDS UP", "TAKEN BY", "WHY"], rows),
      );
    });
  attention
    .sub("late", "List messages that have not come to their end, those that are late first")
    .option("--project <project>", "in threads of one project")
    .example("attention late")
    .act(async ({ client, out }, { project }: { project?: string }) => {
      const list = await client.attention.late({ project });
      const rows = list.items.map(({ id, to, isLate, lateAt, title, parts }: WatchedMessage) => [
        ...[String(id), to, isLate && lateAt ? `since ${localText(lateAt)}` : "", title ?? "encrypted"],
        toldText(parts, localText),
      ]);
      await out.show(list, () =>
        rows.length === 0 ? "No message is on its way." : out.table(["ID", "TO", "LATE", "WHAT", "STORY"], rows),
      );
    });
  attention
    .sub("take", "Say that you see to it; the others see who does")
    .argument("<id>", "the id of the item")
    .option("--release", "nobody sees to it any more")
    .example("attention take stuck:ses_1a2b")
    .act(async ({ client, out }, id: string, { release }: { release?: boolean }) => {
      const item = await client.attention.take(id, { release });
      await out.show(item, () => (item.takenBy === null ? `${id} is free again` : `${item.takenBy} sees to ${id}`));
    });
  attention
    .sub("hand", "Hand it to a person, who is told in a chat of theirs")
    .argument("<id>", "the id of the item")
    .argument("<person>", "the person's id")
    .example("attention hand stuck:ses_1a2b ada")
    .act(async ({ client, out }, id: string, person: string) => {
      const item = await client.attention.hand(id, person);
      await out.show(item, () => `${person} sees to ${id}`);
    });
}
