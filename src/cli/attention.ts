import type { Attention } from "../protocol/attention.ts";
import type { CliCommand } from "./commands.ts";
import { timeText } from "./show.ts";

const GROUP = "People and approvals:";

/** Things that wait for a person, and notes on them. */
export function addAttentionCommands(program: CliCommand): void {
  const attention = program.sub("attention", "Show what waits for a person, and say that you see to it", GROUP);
  attention
    .sub("list", "List what waits for a person, most held up first")
    .option("--project <project>", "of one project")
    .example("attention")
    .act(async ({ client, out }, { project }: { project?: string }) => {
      const list = await client.attention.list({ project });
      const rows = list.items.map(({ id, kind, since, count, holdsUp, subject, reason, takenBy }: Attention) => [
        ...[id, kind, timeText(since), String(count), holdsUp.join(", "), takenBy ?? "", `${subject.title}: ${reason}`],
      ]);
      await out.show(list, () =>
        rows.length === 0
          ? "Nothing waits for a person."
          : out.table(["ID", "KIND", "SINCE", "COUNT", "HOLDS UP", "TAKEN BY", "WHY"], rows),
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
