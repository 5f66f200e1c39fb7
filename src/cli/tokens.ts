import { type Command, Option } from "commander";
import { everyItem } from "../client/client.ts";
import { ROLES, type Token, type TokenDraft } from "../protocol/tokens.ts";
import { contextOf } from "./context.ts";
import { collect } from "./options.ts";
import { safeLine } from "./screen.ts";
import { fieldsText, timeText } from "./show.ts";

const GROUP = "Agents and tokens:";

export function addTokenCommands(program: Command): void {
  const tokens = program.command("tokens").description("Make and revoke tokens").helpGroup(GROUP);
  addCreate(tokens);
  addList(tokens);
  tokens
    .command("revoke")
    .description("End a token, close its streams, and pause what it set up")
    .argument("<id>", "the token's id, tok_…")
    .addHelpText("after", "\nExample:\n  $ signalbox tokens revoke tok_1a2b3c")
    .action(async (id: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      const { paused } = await client.tokens.revoke(id);
      await out.show({ revoked: id, paused }, () => {
        const rows = paused.map(({ kind, id: what, agentId }) => [kind, what, agentId]);
        const list = rows.length === 0 ? "" : `\nPaused with it:\n${out.table(["KIND", "ID", "OF"], rows)}`;
        return `${safeLine(id)} is revoked${list}`;
      });
    });
  program
    .command("whoami")
    .description("Say who the token makes you")
    .helpGroup(GROUP)
    .addHelpText("after", "\nExample:\n  $ signalbox whoami")
    .action(async (_: object, command: Command) => {
      const { client, settings, out } = contextOf(command);
      const { instance, ...who } = await client.whoami();
      const fields = { ...who, url: settings.url, urlFrom: settings.from.url, tokenFrom: settings.from.token };
      const fenced = instance.fenced ? `${instance.given}, of ${instance.current}` : undefined;
      await out.show({ ...who, instance }, () => fieldsText({ ...fields, instance: fenced }, out));
    });
}

interface CreateOptions {
  role: TokenDraft["role"];
  agent?: string;
  group?: string[];
  prefix?: string;
  source?: string;
  name?: string;
  expiresAt?: string;
}

function addCreate(tokens: Command): void {
  tokens
    .command("create")
    .description("Make a token; its secret is shown this once")
    .addOption(new Option("--role <role>", "what it may do").choices(ROLES).makeOptionMandatory())
    .option("--agent <id>", "the agent it acts for (role agent or orchestrator)")
    .option(
      "--group <pattern>",
      "a group the agent may join: tag:x, label:team-*, *; repeatable (default: all; of an orchestrator none)",
      collect,
    )
    .option("--prefix <prefix>", "how the ids of the agents it registers begin (role enroll or orchestrator)")
    .option("--source <source>", "the integration whose events it may post (role integration)")
    .option("--name <name>", "what people call it")
    .option("--expires-at <time>", "until when it is good (RFC 3339)")
    .addHelpText("after", "\nExample:\n  $ signalbox tokens create --role agent --agent builder --json | jq -r .token")
    .action(async (options: CreateOptions, command: Command) => {
      const { client, out } = contextOf(command);
      const { role, agent: agentId, group: groups, prefix, source, name, expiresAt } = options;
      const token = await client.tokens.create({ role, agentId, groups, prefix, source, name, expiresAt });
      await out.show(token, () => `${fieldsText(token, out)}\n${out.paint("yellow", "The token is shown this once.")}`);
    });
}

function addList(tokens: Command): void {
  tokens
    .command("list")
    .description("List the tokens, without their secrets")
    .addHelpText("after", "\nExample:\n  $ signalbox tokens list")
    .action(async (_: object, command: Command) => {
      const { client, out } = contextOf(command);
      const items = await Array.fromAsync(everyItem((page) => client.tokens.list({ limit: 500, page })));
      await out.show({ items, nextPage: null }, () => out.table(HEAD, items.map(row)));
    });
}

const HEAD = ["TOKEN", "ROLE", "FOR", "NAME", "CREATED", "LAST USED", "STATE"];

const row = (token: Token): string[] => [
  token.id,
  token.role,
  token.agentId ?? token.source ?? (token.prefix === null ? "" : `${token.prefix}*`),
  token.name ?? "",
  timeText(token.createdAt),
  timeText(token.lastUsedAt),
  token.revokedAt ? "revoked" : token.expiresAt ? `until ${timeText(token.expiresAt)}` : "",
];
