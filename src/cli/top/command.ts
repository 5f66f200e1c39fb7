import type { CliCommand } from "../commands.ts";
import type { Context } from "../context.ts";
import { frameOf } from "./frame.ts";
import { look } from "./rows.ts";
import { watchScreen } from "./screen.ts";

const HELP = `
One screen: what needs you, the live sessions, and the runs that are on, read again every 2 seconds. The selected row shows exactly what it
is about. Keys: j k move, 1 allow once, 2 allow for the session, 3 deny, e I have it, s snooze for an hour, i interrupt a session or abort
a run, q leave. Where the output is no terminal it prints one picture and ends.`;

export function addTopCommand(program: CliCommand): void {
  program
    .sub("top", "Watch and steer everything from one screen", "People and approvals:")
    .addHelpText("after", HELP)
    .example("top")
    .act(top);
}

async function top({ client, out }: Context): Promise<void> {
  const { stdin, stdout } = process;
  const first = await look(client, Date.now);
  if (!out.json && stdin.isTTY && stdout.isTTY) return watchScreen({ client, out }, first);
  // Room for every row, and the detail of the first.
  const size = { columns: stdout.columns || 100, rows: 10_000 };
  const screen = { selected: undefined, note: "", now: first.at };
  await out.show(first, () => frameOf(first, screen, out.paint, size).slice(0, -1).join("\n"));
}
