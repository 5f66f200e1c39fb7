import { Argument, Option } from "commander";
import type { Scope } from "../harness/config/changes.ts";
import { type Connection, connect, type Plan } from "../harness/connect/connect.ts";
import { disconnect } from "../harness/connect/disconnect.ts";
import { HARNESSES, type Harness, hasHooks, titleOf } from "../harness/harnesses.ts";
import type { CliCommand } from "./commands.ts";
import { type Context, contextOf, outputOf } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import type { Output } from "./output.ts";
import { ownCommand } from "./own.ts";
import { safeLine, safeText } from "./screen.ts";

type ConnectFlags = { agent?: string; scope: Scope; hooks: boolean; remove?: boolean; dryRun?: boolean; yes?: boolean };

export function addConnectCommand(program: CliCommand): void {
  program
    .command("connect")
    .description("Make Claude Code, Codex, Gemini CLI, Qwen Code or OpenCode on this machine an agent of the relay")
    .helpGroup("Harnesses:")
    .addArgument(new Argument("<harness>", "the harness").choices(HARNESSES))
    .option("--agent <name>", "the agent's id (default: the harness and this folder, or this machine, made unique)")
    .addOption(
      new Option("--scope <scope>", "for this folder, or for all of yours (Codex: always all)")
        .choices(["project", "user"])
        .default("project"),
    )
    .option("--no-hooks", "tools alone: the agent reads messages only when it asks")
    .option("--remove", "remove everything that connect wrote, and end the token")
    .option("--dry-run", "show the changes, and write nothing")
    .option("-y, --yes", "do not ask before writing")
    .addHelpText("after", HELP)
    .action((harness: Harness, flags: ConnectFlags, command: CliCommand) => {
      const request = { harness, ...flags, scope: harness === "codex" ? ("user" as const) : flags.scope };
      return flags.remove ? runDisconnect(request, command) : runConnect(request, contextOf(command));
    });
}

const HELP = `
It needs a token. On the relay's machine it finds the operator's by itself, in the folder where the relay was started (or with
--data). On other machines give --url and --token: one of role enroll, or the agent's own. The agent's own token is kept in
~/.config/signalbox/agents, readable by you alone; the files of the harness hold its path and no secret. Claude Code: .mcp.json
and .claude/settings.local.json of this folder, or with --scope user ~/.claude.json and ~/.claude/settings.json. Codex:
~/.codex/config.toml and ~/.codex/hooks.json. Gemini CLI and Qwen Code: .gemini/settings.json or .qwen/settings.json, here or in
your home. OpenCode, which gets tools alone: opencode.json here, or in ~/.config/opencode. The rest of these files stays as it is.

Examples:
  $ signalbox connect claude --agent reviewer
  $ signalbox connect gemini --url https://relay.example.com --token "$ENROLL_TOKEN"
  $ signalbox connect claude --remove`;

type Request = ConnectFlags & { harness: Harness };

async function runConnect(request: Request, { settings, client, out }: Context): Promise<void> {
  const { url, token, from } = settings;
  const { harness, scope } = request;
  const hooks = request.hooks && hasHooks(harness);
  const agentId = request.agent ?? settings.agentId;
  const approve = (plan: Plan) => agree(plan, "(the agent's token, for you alone)", request, out);
  const relay = { url, token, tokenFrom: from.token, client };
  const made = await connect({ harness, scope, agentId, hooks }, relay, { approve, program: ownCommand() });
  if (!made) return;
  const { agentId: id, reach, keysFile, files } = made;
  await out.show({ agentId: id, url, reach, keys: keysFile, files, works: true }, () =>
    [
      `${safeLine(id)} is on ${url}, and reached ${hooks ? "when it stops" : "when it asks"}.`,
      ...nextSteps(request, made),
    ].join("\n"),
  );
}

const nextSteps = ({ harness, scope }: Request, { reach }: Connection): string[] => [
  `Start ${titleOf(harness)}${scope === "user" ? "" : " here"}: /mcp lists signalbox.`,
  ...(harness === "codex" && reach === "idle"
    ? ["It asks once whether you trust the hooks (/hooks): until then they do not run."]
    : []),
  ...(hasHooks(harness) ? [] : ["It has no hooks: to have messages read at once, use signalbox run."]),
];

/** Needs no relay but to end the token: the files can be taken back when it is away or gone. */
async function runDisconnect(request: Request, command: CliCommand): Promise<void> {
  const { harness, scope, agent: agentId } = request;
  const out = outputOf(command);
  const approve = (plan: Plan) => agree(plan, "(goes, and its token ends)", request, out);
  const ended = await disconnect({ harness, scope, agentId }, () => contextOf(command).client, approve);
  if (!ended) return;
  const { files, left } = ended;
  await out.show({ agentId: ended.agentId, removed: files, left }, () =>
    [
      files.length ? `Taken back from ${files.join(" and ")}.` : "There was nothing to take back.",
      ...left.map(safeLine),
    ].join("\n"),
  );
}

/** Shows the files of a plan. @returns whether to write them. @throws Stop when a person says no */
function agree({ changes, keysFile }: Plan, ofKeys: string, { dryRun, yes }: ConnectFlags, out: Output): boolean {
  for (const { file, before, after } of changes.filter((one) => one.before !== one.after)) {
    out.note(after === undefined ? `${file}: goes` : `${file}${before === undefined ? " (new)" : ""}:`);
    out.note(safeText(difference(before ?? "", after ?? "")));
  }
  if (keysFile) out.note(`${keysFile} ${ofKeys}`);
  if (dryRun) return false;
  if (yes || !process.stdin.isTTY || !process.stdout.isTTY) return true;
  if (confirm("Write this?")) return true;
  throw new Stop(EXIT.nothing, "Nothing was written");
}

/** Changed lines of two texts, without the lines that both begin and end with. */
function difference(before: string, after: string): string {
  const [old, now] = [before.split("\n"), after.split("\n")];
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head++;
  let tail = 0;
  while (tail < Math.min(old.length, now.length) - head && old.at(-1 - tail) === now.at(-1 - tail)) tail++;
  const lines = (list: string[], mark: string) =>
    list.slice(head, list.length - tail).map((line) => `  ${mark} ${line}`);
  return [...lines(old, "-"), ...lines(now, "+")].join("\n");
}
