import type { Message, RichBlock, RichBlockCaption, RichMessageButton, RichText } from "grammy/types";

/** Rich message as plain text, block by block. `mediaOf` returns its media. */
export const richTextOf = ({ blocks }: NonNullable<Message["rich_message"]>): string => textOfAll(blocks);

/** Blocks with media, in order, in the form of a message's media. */
export function mediaOf(blocks: readonly RichBlock[]): Partial<Message>[] {
  return blocks.flatMap((block) => {
    if (MEDIA.has(block.type)) {
      const { voice_note, ...media } = block as unknown as Partial<Message> & { voice_note?: Message["voice"] };
      return voice_note ? { voice: voice_note } : media;
    }
    if ("blocks" in block) return mediaOf(block.blocks);
    return block.type === "list" ? block.items.flatMap((item) => mediaOf(item.blocks)) : [];
  });
}

const MEDIA = new Set(["animation", "audio", "document", "photo", "video", "voice_note"]);

const lines = (...parts: (string | undefined)[]): string => parts.filter(Boolean).join("\n");
const textOfAll = (blocks: readonly RichBlock[]): string => lines(...blocks.map(textOfBlock));

function textOfBlock(block: RichBlock): string {
  switch (block.type) {
    case "divider":
      return "---";
    case "mathematical_expression":
      return block.expression;
    case "list":
      return lines(...block.items.map((item) => `${boxOf(item)}${item.label} ${textOfAll(item.blocks)}`));
    case "blockquote":
      return lines(quoted(textOfAll(block.blocks)), creditOf(block));
    case "expandable_blockquote":
    case "pullquote":
      return lines(quoted(inline(block.text)), creditOf(block));
    case "table":
      return lines(captionOf(block), ...block.cells.map((row) => row.map(({ text }) => inline(text)).join(" | ")));
    case "details":
      return lines(inline(block.summary), textOfAll(block.blocks));
    case "map":
      return lines(`[location: ${block.location.latitude}, ${block.location.longitude}]`, captionOf(block));
    case "buttons":
      return lines(...block.buttons.map(buttonOf));
    case "collage":
    case "slideshow":
      return lines(textOfAll(block.blocks), captionOf(block));
    default:
      return "text" in block ? inline(block.text) : lines(`[${block.type.replaceAll("_", " ")}]`, captionOf(block));
  }
}

/** Text of an unknown block: only `text` is assumed to hold text. */
function inline(rich: RichText | undefined): string {
  if (rich === undefined || typeof rich === "string") return rich ?? "";
  if (Array.isArray(rich)) return rich.map(inline).join("");
  switch (rich.type) {
    case "custom_emoji":
      return rich.alternative_text;
    case "mathematical_expression":
      return rich.expression;
    case "button":
      return buttonOf(rich.button);
    case "url": {
      const text = inline(rich.text);
      return text === rich.url ? text : `${text} (${rich.url})`;
    }
    default:
      return "text" in rich ? inline(rich.text) : "";
  }
}

const buttonOf = (button: RichMessageButton): string =>
  `[button: ${inline(button.text)}${"url" in button ? ` (${button.url})` : ""}]`;

const boxOf = ({ has_checkbox, is_checked }: { has_checkbox?: true; is_checked?: true }): string =>
  has_checkbox ? `[${is_checked ? "x" : " "}] ` : "";

const quoted = (text: string): string => text.replace(/^/gm, "> ");
const creditOf = ({ credit }: { credit?: RichText }): string => (credit === undefined ? "" : `(${inline(credit)})`);

function captionOf(block: object): string {
  const { caption } = block as { caption?: RichText | RichBlockCaption };
  if (caption === undefined) return "";
  const isRich = typeof caption === "string" || Array.isArray(caption) || "type" in caption;
  return isRich ? inline(caption as RichText) : lines(inline(caption.text), creditOf(caption));
}
