import { Option } from "commander";
import { ROLES, type Token, type TokenDraft } from "../protocol/tokens.ts";
import { addWholeList, type CliCommand, idCommands, type QueryOf } from "./commands.ts";
import { collect } from "./options.ts";
import { fieldsText, timeText } from "./show.ts";

const GROUP = "Agents and tokens:";

export function addTokenCommands(program: CliCommand): void {
  const tokens = program.sub("tokens", "Make and revoke tokens", GROUP);
  addCreate(tokens);
  addList(tokens);
  idCommands(tokens, { about: "the token's id, tok_…", example: "tok_1a2b3c" })(
    "revoke",
    "End a token, close its streams, and pause what it set up",
    async (client, id) => ({ revoked: id, paused: (await client.tokens.revoke(id)).paused }),
    ({ paused }, id, out) => {
      const rows = paused.map(({ kind, id, agentId }) => [kind, id, agentId]);
      return `${id} is revoked${rows.length ? `\nPaused with it:\n${out.table(["KIND", "ID", "OF"], rows)}` : ""}`;
    },
  );
  program
    .sub("whoami", "Show the identity that the token gives", GROUP)
    .example("whoami")
    .act(async ({ client, settings, out }) => {
      const { instance, ...who } = await client.whoami();
      const fields = { ...who, url: settings.url, urlFrom: settings.from.url, tokenFrom: settings.from.token };
      const fenced = instance.fenced ? `${instance.given}, of ${instance.current}` : undefined;
      await out.show({ ...who, instance }, () => fieldsText({ ...fields, instance: fenced }, out));
    });
}

type CreateOptions = Omit<TokenDraft, "agentId" | "groups" | "personId"> & {
  agent?: string;
  group?: string[];
  person?: string;
};

function addCreate(tokens: CliCommand): void {
  tokens
    .sub("create", "Make a token; its secret is shown this once")
    .addOption(new Option("--role <role>", "its role").choices(ROLES).makeOptionMandatory())
    .option("--agent <id>", "the agent it acts for (role agent or orchestrator)")
    .option(
      "--group <pattern>",
      "a group the agent may join: tag:x, label:team-*, *; repeatable (default: all; of an orchestrator none)",
      collect,
    )
    .option("--prefix <prefix>", "prefix of the ids that it may register (role enroll or orchestrator)")
    .option("--source <source>", "the integration whose events it may post (role integration)")
    .option("--person <person>", "the person that it belongs to (role operator, member or viewer)")
    .option("--name <name>", "its name for people")
    .option("--expires-at <time>", "time when it expires (RFC 3339)")
    .example("tokens create --role agent --agent builder --json | jq -r .token")
    .act(async ({ client, out }, options: CreateOptions) => {
      const { role, agent: agentId, group: groups, prefix, source, person: personId, name, expiresAt } = options;
      const token = await client.tokens.create({ role, agentId, groups, prefix, source, personId, name, expiresAt });
      await out.show(token, () => `${fieldsText(token, out)}\n${out.paint("yellow", "The token is shown this once.")}`);
    });
}

function addList(tokens: CliCommand): void {
  addWholeList(tokens, "List the tokens, without their secrets", {
    read: (client, query: QueryOf<typeof client.tokens.list>) => client.tokens.list(query),
    head: ["TOKEN", "ROLE", "FOR", "NAME", "CREATED", "LAST USED", "STATE"],
    row: (token: Token) => [
      ...[
        token.id,
        token.role,
        token.agentId ?? token.personId ?? token.source ?? (token.prefix === null ? "" : `${token.prefix}*`),
      ],
      ...[token.name ?? "", timeText(token.createdAt), timeText(token.lastUsedAt)],
      token.revokedAt ? "revoked" : token.expiresAt ? `until ${timeText(token.expiresAt)}` : "",
    ],
  }).example("tokens list");
}
