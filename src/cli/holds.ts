import type { Hold, HoldDraft, HoldScope } from "../protocol/holds.ts";
import { addWholeList, type CliCommand, idCommands, type QueryOf } from "./commands.ts";
import type { Context } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { fieldsText, timeText } from "./show.ts";

interface CreateOptions {
  project?: string;
  orchestrator?: string;
  tag?: string;
  kill?: boolean;
}

/** Holds: nothing in their scope begins while they stand. */
export function addHoldCommands(program: CliCommand): void {
  const holds = program.sub("hold", "Stop everything in a scope, see what stopped, and lift it", "Sessions:");
  const one = idCommands(holds, { argument: "<hold>", about: "the hold's id, hld_…", example: "hld_1a2b3c" });
  holds
    .sub("create", "Hold everything, or a part of it")
    .argument("<reason>", "why: whoever is refused reads it")
    .option("--project <name>", "this project alone")
    .option("--orchestrator <id>", "the agents of this orchestrator alone")
    .option("--tag <tag>", "agents, runs and sessions with this tag alone")
    .option("--kill", "end the processes of running turns, instead of interrupting them")
    .example('hold create "Deploying the database"', 'hold create "Too expensive" --tag night --kill')
    .act(create);
  addWholeList(holds, "List holds, newest first", {
    read: (client, query: QueryOf<typeof client.holds.list>) => client.holds.list(query),
    none: "There are no holds",
    head: ["HOLD", "SCOPE", "SINCE", "LIFTED", "REASON"],
    row: ({ id, scope, createdAt, liftedAt, reason }: Hold) => [
      ...[id, scopeText(scope), timeText(createdAt), timeText(liftedAt), reason],
    ],
  }).example("hold list");
  one("show", "Show a hold, and what was seen to stop", ({ holds: verbs }, id) => verbs.get(id), holdText);
  one(
    "lift",
    "Lift a hold: its work begins again in steps",
    ({ holds: verbs }, id) => verbs.lift(id),
    (_, id) => `${id} is lifted`,
  );
}

async function create({ client, out }: Context, reason: string, options: CreateOptions): Promise<void> {
  const mode: HoldDraft["mode"] = options.kill ? "kill" : "interrupt";
  const hold = await client.holds.create({ scope: scopeOf(options), mode, reason });
  await out.show(hold, () => holdText(hold, hold.id, out));
}

function scopeOf({ project, orchestrator: orchestratorId, tag }: CreateOptions): HoldScope {
  const named = [project, orchestratorId, tag].filter((one) => one !== undefined);
  if (named.length > 1) throw new Stop(EXIT.usage, "Name one of --project, --orchestrator and --tag");
  if (project !== undefined) return { project };
  if (orchestratorId !== undefined) return { orchestratorId };
  return tag === undefined ? "all" : { tag };
}

const scopeText = (scope: HoldScope): string =>
  scope === "all"
    ? scope
    : Object.entries(scope)
        .map(([name, value]) => `${name} ${value}`)
        .join(", ");

function holdText({ sessions, scope, ...rest }: Hold, _: string, out: Output): string {
  const fields = fieldsText({ ...rest, scope: scopeText(scope) }, out);
  if (sessions.length === 0) return `${fields}\n\nNo session was live in its scope`;
  const rows = sessions.map(({ sessionId, agentId, orchestratorId, seen, detail }) => [
    ...[sessionId, agentId, orchestratorId, seen, detail === null ? "" : safeLine(detail)],
  ]);
  return `${fields}\n\n${out.table(["SESSION", "AGENT", "ORCHESTRATOR", "SEEN", ""], rows)}`;
}
