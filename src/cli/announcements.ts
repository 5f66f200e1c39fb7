import { ANNOUNCEMENT_STATE, type Announcement } from "../protocol/announcements.ts";
import type { CliCommand, QueryOf } from "./commands.ts";
import { idCommands } from "./commands.ts";
import { timeText } from "./show.ts";

export function addAnnouncementCommands(program: CliCommand): void {
  const group = program.sub("announcements", "Results of runs on their way to the requesters", "Work:");
  addList(group);
  const one = idCommands(group, { about: "the announcement", example: "ann_0mf3k2j1a7x2c9q4b0d8" });
  one("show", "Show an announcement", (client, id) => client.announcements.get(id));
  const stateText = ({ state, reason }: Announcement, id: string) => `${id}: ${state}${reason ? ` (${reason})` : ""}`;
  one(
    "retry",
    "Look up the route of a blocked one anew, and send it",
    (client, id) => client.announcements.retry(id),
    stateText,
  );
  one("dismiss", "End one that nobody acknowledged", (client, id) => client.announcements.dismiss(id), stateText);
}

function addList(group: CliCommand): void {
  group
    .sub("list", "List announcements, newest first")
    .paged()
    .choice("--state <state>", "in this state", ANNOUNCEMENT_STATE)
    .option("--run <run>", "of this run")
    .option("--requester <who>", "for this agent, run, or channelId/conversationId of a chat")
    .example("announcements list --state blocked")
    .act(async ({ client, out }, query: QueryOf<typeof client.announcements.list>) => {
      const page = await client.announcements.list(query);
      await out.page(page, "No such announcement", (items) => out.table(HEAD, items.map(rowOf)));
    });
}

const HEAD = ["ID", "RUN", "STATE", "TO", "MESSAGE", "CREATED", "REASON"];
const rowOf = (row: Announcement): string[] => [
  ...[row.id, row.runId, row.state + (row.late ? ", late" : ""), row.route?.to ?? ""],
  ...[row.messageId === null ? "" : `#${row.messageId}`, timeText(row.createdAt), row.reason ?? ""],
];
