import { z } from "zod";
import { DaemonConfig, ProviderConfig } from "../src/daemon/config.ts";

const PAGE = "docs/orchestrator-daemon.md";

/** The page with the tables of the daemon's configuration, from the shapes that check it: `bun scripts/daemon-table.ts`. */
export function withDaemonTables(page: string): string {
  const put = (text: string, name: string, shape: z.ZodType) =>
    text.replace(new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- /${name} -->)`), `$1${tableOf(shape)}\n$2`);
  return put(put(page, "daemon settings", DaemonConfig), "provider settings", ProviderConfig);
}

interface Member {
  type?: string;
  enum?: string[];
  default?: unknown;
  description?: string;
  pattern?: string;
}

function tableOf(shape: z.ZodType): string {
  const { properties = {}, required = [] } = z.toJSONSchema(shape, { io: "input" }) as {
    properties?: Record<string, Member>;
    required?: string[];
  };
  const rows = Object.entries(properties).map(([name, member]) => {
    const usual =
      member.default === undefined
        ? required.includes(name)
          ? "needed"
          : ""
        : `\`${JSON.stringify(member.default)}\``;
    return `| \`${name}\` | ${usual} | ${textOf(member)} |`;
  });
  return ["| member | default | |", "|---|---|---|", ...rows].join("\n");
}

const textOf = ({ description = "", enum: words }: Member): string =>
  [words?.map((word) => `\`${word}\``).join(", "), description].filter(Boolean).join(". ");

if (import.meta.main) await Bun.write(PAGE, withDaemonTables(await Bun.file(PAGE).text()));
