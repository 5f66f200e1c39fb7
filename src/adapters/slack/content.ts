import { z } from "zod";
import { type SlackFile, SlackFiles } from "./files.ts";
import { fromSlack } from "./text.ts";

/** Part of a message: a block, an element or an attachment. Slack often adds kinds, so only texts are read. */
const Piece = z.record(z.string(), z.unknown());
type Piece = z.infer<typeof Piece>;

export const Pieces = z.array(Piece).nullish().catch(null);

export interface SlackContent {
  text?: string | null | undefined;
  blocks?: Piece[] | null | undefined;
  attachments?: Piece[] | null | undefined;
}

/** Depth to which blocks within blocks are read. */
const DEPTH = 12;

/**
 * Visible content of a message besides its files: its text, or the blocks in place of the text, and its attachments.
 */
export function contentOf(message: SlackContent, botUserId: string): string {
  const text = fromSlack(message.text ?? "", botUserId);
  const blocks = message.blocks ?? [];
  const written = blocks
    .map((block) => blockText(block, 0))
    .filter(Boolean)
    .join("\n");
  // Blocks of a person repeat the text; blocks of an app replace it.
  const isSame = blocks.every(({ type }) => type === "rich_text") && saysAll(message.text ?? "", written);
  const shown = isSame ? "" : written;
  const own = squeezed(shown).includes(squeezed(text)) ? shown : [text, shown].filter(Boolean).join("\n");
  const attached = attachmentsOf(message).map((attachment) => attachmentText(attachment, 0));
  return [own, ...attached].filter(Boolean).join("\n");
}

/** Forwarded content with its author, as Slack shows it. */
export function forwardedFrom(message: SlackContent): string | undefined {
  const shared = (message.attachments ?? []).find(isShared);
  return (
    shared && (wordOf(shared.author_name) || wordOf(shared.author_subname) || wordOf(shared.author_id) || undefined)
  );
}

/** Files of forwarded content. */
export function filesWithin(message: SlackContent): SlackFile[] {
  return attachmentsOf(message).flatMap(({ files }) => SlackFiles.parse(files));
}

/** Tells whether every word is in a text of Slack, where names are ids and emoji have names. */
function saysAll(text: string, words: string): boolean {
  const known = new Set(text.match(WORDS));
  return (words.match(WORDS) ?? []).every((word) => known.has(word));
}
const WORDS = /[\p{L}\p{N}]+/gu;

const isShared = ({ is_share, is_msg_unfurl }: Piece): boolean => is_share === true || is_msg_unfurl === true;

/** Attachments of a message, without Slack's own previews of addresses in its text. */
function attachmentsOf({ text, attachments }: SlackContent): Piece[] {
  const isPreview = (one: Piece) =>
    !isShared(one) && typeof one.from_url === "string" && one.from_url !== "" && (text ?? "").includes(one.from_url);
  return (attachments ?? []).filter((one) => !isPreview(one));
}

function attachmentText(attachment: Piece, depth: number): string {
  if (depth > DEPTH) return "";
  const say = (value: unknown) => fromSlack(wordOf(value), "");
  const fields = piecesOf(attachment.fields).map(({ title, value }) =>
    [say(title), say(value)].filter(Boolean).join(": "),
  );
  const actions = piecesOf(attachment.actions).map(({ text, url, ...choice }) =>
    [button(say(text), url), choiceOf(choice, say)].filter(Boolean).join(" "),
  );
  const text = say(attachment.text);
  const blocks = [...piecesOf(attachment.blocks), ...messageBlocks(attachment)].map((block) => blockText(block, 0));
  const shown = blocks.filter(Boolean).join("\n");
  const lines = [
    isShared(attachment)
      ? `[forwarded from ${forwardedFrom({ attachments: [attachment] }) ?? "another conversation"}]`
      : "",
    say(attachment.pretext),
    isShared(attachment) ? "" : say(attachment.author_name),
    linked(say(attachment.title), attachment.title_link),
    ...(squeezed(shown).includes(squeezed(text)) ? [shown] : [text, shown]),
    ...fields,
    picture(attachment.image_url ?? attachment.thumb_url, ""),
    ...actions,
    isShared(attachment) ? "" : say(attachment.footer),
    ...piecesOf(attachment.attachments).map((within) => attachmentText(within, depth + 1)),
  ].filter(Boolean);
  return lines.length > 0 ? lines.join("\n") : say(attachment.fallback);
}

/** Blocks of a forwarded message: `message_blocks: [{ message: { blocks } }]`. Those of a person repeat its text. */
function messageBlocks({ message_blocks, text }: Piece): Piece[] {
  const blocks = piecesOf(message_blocks).flatMap(({ message }) => piecesOf(Piece.catch({}).parse(message).blocks));
  const words = blocks.map((block) => blockText(block, 0)).join("\n");
  return saysAll(wordOf(text), words) ? [] : blocks;
}

/** Texts within a piece: of one value, and of all in a list. */
interface Inner {
  one(value: unknown): string;
  all(value: unknown, between: string): string;
}

/** Words of a block or an element, and of everything in it. */
function blockText(piece: Piece, depth: number): string {
  if (depth > DEPTH || Object.keys(piece).length === 0) return "";
  const one = (value: unknown) => blockText(Piece.catch({}).parse(value), depth + 1);
  const all = (value: unknown, between: string) => listOf(value).map(one).filter(Boolean).join(between);
  const text = KINDS.get(wordOf(piece.type));
  return text ? text(piece, { one, all }) : everything(piece, one, all);
}

const marked = ({ text }: Piece) => fromSlack(wordOf(text), "");
const plain = ({ text }: Piece) => wordOf(text);
const inline = ({ elements }: Piece, { all }: Inner) => all(elements, "");
const labelled = ({ text, url }: Piece, { one }: Inner) => button(one(text), url);
const table = ({ caption, rows }: Piece, { one }: Inner) =>
  [wordOf(caption), ...rowsOf(rows).map((row) => row.map(one).join(" | "))].filter(Boolean).join("\n");

/** Words of each known kind of block or element. */
const KINDS = new Map<string, (piece: Piece, inner: Inner) => string>(
  Object.entries({
    mrkdwn: marked,
    plain_text: marked,
    text: plain,
    raw_text: plain,
    markdown: plain,
    raw_number: ({ text, value }) => wordOf(text) || wordOf(value),
    link: ({ text, url }) => linked(wordOf(text), url) || wordOf(url),
    user: ({ user_id }) => `@${wordOf(user_id)}`,
    usergroup: ({ usergroup_id }) => `@${wordOf(usergroup_id)}`,
    broadcast: ({ range }) => `@${wordOf(range)}`,
    channel: ({ channel_id }) => `#${wordOf(channel_id)}`,
    emoji,
    date: ({ fallback, timestamp }) => wordOf(fallback) || wordOf(timestamp),
    color: ({ value }) => wordOf(value),
    rich_text_section: inline,
    rich_text_quote: ({ elements }, { all }) => all(elements, "").replace(/^/gm, "> "),
    rich_text_preformatted: inline,
    rich_text_list: ({ elements }, { one }) =>
      listOf(elements)
        .map((item) => `- ${one(item)}`)
        .join("\n"),
    table,
    data_table: table,
    image: ({ image_url, slack_file, title, alt_text }, { one }) =>
      picture(image_url ?? urlOf(slack_file), [one(title), wordOf(alt_text)].filter(Boolean).join(": ")),
    video({ title, author_name, description, provider_name, video_url }, { one }) {
      const about = [one(title), wordOf(author_name), one(description), wordOf(provider_name), wordOf(video_url)];
      return `[video: ${about.filter(Boolean).join(", ")}]`;
    },
    divider: () => "",
    file: ({ external_id }) => `[file: ${wordOf(external_id)}]`,
    button: labelled,
    workflow_button: labelled,
    icon_button: labelled,
    url: ({ text, url }) => linked(wordOf(text), url),
  } satisfies Record<string, (piece: Piece, inner: Inner) => string>),
);

/**
 * Texts of blocks and inputs in visible order. Of an unknown kind, these texts, or at least the fact that it is there.
 */
function everything(piece: Piece, inner: (value: unknown) => string, all: (value: unknown, between: string) => string) {
  const worded = (value: unknown) => (typeof value === "string" ? value : inner(value));
  const found = [
    ...[piece.rich_text_title, piece.title, piece.subtitle, piece.label, piece.text, piece.body].map(worded),
    ...[piece.content, piece.description].map(worded),
    all(piece.fields, "\n"),
    all(piece.elements, "\n"),
    ...[piece.element, piece.hero_image, piece.icon, piece.accessory, piece.details, piece.output].map(inner),
    all(piece.sources, "\n"),
    all(piece.child_blocks, "\n"),
    all(piece.tasks, "\n"),
    all(piece.actions, "\n"),
    choiceOf(piece, worded),
    ...[piece.positive_button, piece.negative_button].map(
      (one) => one && button(inner(Piece.catch({}).parse(one).text), ""),
    ),
    inner(piece.hint),
  ]
    .filter(Boolean)
    .join("\n");
  if (found !== "" || piece.type === undefined || EMPTY.test(wordOf(piece.type))) return found;
  return `[${wordOf(piece.type).replaceAll("_", " ")}, which cannot be shown here]`;
}

/** Kinds that may be empty, and then show nothing. */
const EMPTY = /^(section|context|actions|rich_text|input|header)$|_input$|_select$|picker$/;

/** Options of a menu or a field, with the chosen or written value. */
function choiceOf(piece: Piece, say: (value: unknown) => string): string {
  const option = (one: Piece) => linked([say(one.text), say(one.description)].filter(Boolean).join(": "), one.url);
  const groups = piecesOf(piece.option_groups).flatMap(({ label, text, options }) => [
    say(label ?? text),
    ...piecesOf(options).map(option),
  ]);
  const offered = [...piecesOf(piece.options).map(option), ...groups].filter(Boolean).join(" / ");
  const chosen = Object.entries(piece)
    .filter(([key]) => /^(initial|selected)_/.test(key))
    .flatMap(([, value]) => (Array.isArray(value) ? value : [value]))
    .map((value) => wordOf(value) || option(Piece.catch({}).parse(value)));
  const name = say(piece.placeholder);
  const all = [offered, chosen.length > 0 ? `chosen: ${chosen.join(", ")}` : ""].filter(Boolean).join("; ");
  return name === "" && all === "" ? "" : `[${[name, all].filter(Boolean).join(": ")}]`;
}

const urlOf = (file: unknown): unknown => {
  const { url, id } = Piece.catch({}).parse(file);
  return url ?? id;
};

const wordOf = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : "";
const piecesOf = (value: unknown): Piece[] => listOf(value).map((one) => Piece.catch({}).parse(one));
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const rowsOf = (value: unknown): unknown[][] => listOf(value).map(listOf);
const squeezed = (text: string): string => text.replace(/[\s*_~`]+/g, " ").trim();

function linked(text: string, url: unknown): string {
  const address = wordOf(url);
  return text === "" || address === "" || text.includes(address) ? text : `${text} (${address})`;
}

function picture(url: unknown, words: string): string {
  const about = [words, wordOf(url)].filter(Boolean).join(", ");
  return about === "" ? "" : `[image: ${about}]`;
}

const button = (text: string, url: unknown): string => `[button: ${linked(text, url)}]`;

/** Emoji as text: by its code points, or by its name when it is one of Slack's own. */
function emoji({ name, unicode }: Piece): string {
  const points = wordOf(unicode)
    .split("-")
    .map((hex) => Number.parseInt(hex, 16));
  const isCharacter = points.every((point) => point > 0 && point <= 0x10ffff);
  return isCharacter ? String.fromCodePoint(...points) : `:${wordOf(name)}:`;
}
