import { stripVTControlCharacters } from "node:util";

/** Control characters, line feeds and tabs aside; and those that turn the direction of text, by which it shows other words. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are meant
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Text of a CLI without colours, cursor movements and other control sequences. */
export const plainText = (text: string): string => stripVTControlCharacters(text).replace(CONTROL, "");
