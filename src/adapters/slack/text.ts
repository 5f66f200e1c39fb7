// Slack's escaping of a text, and back.

/** Escapes the three characters that are commands to Slack. */
export const toSlack = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Replaces angle brackets by their visible text, and drops a leading mention of the bot. */
export function fromSlack(text: string, botUserId: string): string {
  const mention = `<@${botUserId}>`;
  const own = text.trimStart().startsWith(mention)
    ? text
        .trimStart()
        .slice(mention.length)
        .replace(/^[:,]?\s*/, "")
    : text;
  return own
    .replace(/<([^<>|]*)(?:\|([^<>]*))?>/g, (_, what: string, label: string | undefined) => plain(what, label))
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

function plain(what: string, label: string | undefined): string {
  if (what.startsWith("@")) return `@${label ?? what.slice(1)}`;
  if (what.startsWith("#")) return `#${label ?? what.slice(1)}`;
  if (what.startsWith("!")) return label ?? `@${what.slice(1).split("^")[0]}`;
  const address = what.replace(/^(mailto|tel):/, "");
  return label === undefined || label === address ? address : `${label} (${address})`;
}

/** External id of a message: its `ts` is unique only within its channel. */
export const externalIdOf = (channel: string, ts: string): string => `${channel}:${ts}`;
