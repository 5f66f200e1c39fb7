// Text by others, made safe for a terminal. A message can hold escape sequences that move the cursor, overwrite earlier output,
// set the title or fill the clipboard, and Unicode that shows text in another order, or hides it.

/** Whole sequences, so that no `[31m` is left behind: CSI, then strings (OSC, DCS, ...) up to their end, then the rest. */
const SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: matches control characters
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]/g;

/** Controls except tab and line feed; marks that reorder text; characters without width; tags that spell invisible text. */
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: matches control characters
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** Text of several lines. */
export const safeText = (text: string): string =>
  text.replace(SEQUENCES, "").replace(/\r\n?/g, "\n").replace(UNSEEN, "").toWellFormed();

/** Text of one line. */
export const safeLine = (text: string): string => safeText(text).replace(/\s+/g, " ").trim();

/** Equivalent JSON that shows every such character by its number. */
export const safeJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(UNSEEN, (found) =>
    Array.from({ length: found.length }, (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, "0")}`).join(
      "",
    ),
  );
