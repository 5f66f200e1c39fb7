/** Text by others in a form safe for a model: hidden characters, and those that act on other text, are written out. */

/** Line ends: models, terminals and browsers disagree on these. */
const LINE_ENDS = /\r\n?|[\v\f\u0085\u2028\u2029]/g;

/** Letters of scripts that are not written rightly without joiners. */
const JOINED =
  "[\\p{Script=Arabic}\\p{Script=Syriac}\\p{Script=Devanagari}\\p{Script=Bengali}\\p{Script=Gurmukhi}\\p{Script=Gujarati}" +
  "\\p{Script=Tamil}\\p{Script=Telugu}\\p{Script=Kannada}\\p{Script=Malayalam}\\p{Script=Sinhala}\\p{Script=Khmer}\\p{Script=Mongolian}]";
/** A joiner inside an emoji or a word of such a script, and the sign that makes the character before it an emoji. */
const WELCOME = new RegExp(
  `(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\uFE0F])\\u200D(?=\\p{Extended_Pictographic})|` +
    `(?<=${JOINED})[\\u200C\\u200D](?=${JOINED})|(?<=[\\p{Emoji}])[\\uFE0E\\uFE0F]`,
  "uy",
);
/** Controls, formats (bidi, zero width, tags), fillers, variation selectors, private use, noncharacters. */
const HIDDEN =
  /[[\p{Cc}--[\n\t]]\p{Cf}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u034F\u115F\u1160\u17B4\u17B5\u180B-\u180F\u2800\u3164\uFE00-\uFE0F\uFFA0\u{E0100}-\u{E01EF}]/v;
const HIDDEN_RUN = new RegExp(`${HIDDEN.source}+`, "vg");
/** Longest run that is named one by one; longer runs are counted. */
const NAMED = 3;

/** Words that begin the markup of harnesses and model formats, alone or as the first of several: `<skill>`, `<hook prompt>`. */
const WORDS =
  "antml|system|user|assistant|human|developer|agent|subagent|teammate|tool|function|invoke|parameter|channel|command|" +
  "local|bash|ide|hook|skill|task|turn|session|environment|env|context|instruction|permission|reminder|notification|" +
  "message|memory|persisted|think|thought|reasoning|result|tick|interrupted|aborted|collaboration|personality|realtime|" +
  "new|loaded|available|proposed|additional|untrusted";
/** Wrappers that are one plain word: what merely begins with it (`<filename`, `<modelling`) is left. */
const PLAIN =
  "agents\\.md|files?|director(?:y|ies)|path|type|contents?|cwd|shell|stdout|stderr|errors?|output|status|state|exit|" +
  "documents?|sources?|examples?|analysis|commentary|final|answer|response|summary|prompt|plan|goals?|objective|steering|critical|" +
  "important|note|warning|rules?|guidelines?|polic(?:y|ies)|persona|identity|mode|model|query|request|search|compaction|scratchpad|" +
  "artifacts?|claude|claudemd|codex|gemini|qwen|opencode|mcp|plugins?|apps?|reviews?|worktree\\w*|gitstatus|workspace|projects?|" +
  "memories|todos?|events?|alerts?|roles?|conversation|history|transcript|chat|reflection|approval|timezone|ultraplan|unused\\d+";
/** Tokens of model formats: Llama, Gemma, GLM, T5 and those that pad or fill in the middle. */
const TOKENS = String.raw`s\s*>|inst|sys|bos|eos|sop|eop|eod|pad|unk|mask|fim|extra|(?:start|end|begin|beginning)\s+of`;
/** A name of several joined words: no HTML element has one, and any wrapper of a harness may (`<turn_aborted>`). */
const JOINED_NAME = String.raw`[a-z][a-z0-9]*(?:\s*[_\u2581-]+\s*[a-z][a-z0-9]*)+(?=[\s>/"'=]|$)`;
/** A name with letters of other alphabets or widths, or with something hidden in it: a tag that only looks like one. */
const FOREIGN_NAME = String.raw`[\w.:-]{0,40}(?![\x00-\x7F])[\p{L}\p{M}\p{N}\u27E8]`;
/** `<` in the forms that models read alike, and what may stand before a name. */
const LESS = String.raw`[<\uFF1C\uFE64\u02C2\u1438\u2329\u276C\u276E\u3008]`;
const SPACE = String.raw`[\w.-]{1,40}\s*:\s*`;
const NAME_ENDS = String.raw`(?=[\s>/"'=]|$)`;
const OPENING = String.raw`\s*[/\uFF0F!?]?\s*`;
const MARKUP = new RegExp(
  `${LESS}(?=${OPENING}(?:[|\\uFF5C]|${FOREIGN_NAME}|${SPACE}(?:${PLAIN})${NAME_ENDS}|(?:${SPACE})?(?:${WORDS}|${TOKENS}|${JOINED_NAME})))|` +
    // Right after a word it is a type with its parameter: `Promise<Response>`.
    `(?<![\\p{L}\\p{N}_])${LESS}(?=${OPENING}(?:${PLAIN})${NAME_ENDS})|${LESS}(?=${LESS})`,
  "giu",
);
const TURN =
  /\[(?=\s*\/?\s*(?:INST|SYS|end|system|assistant|user|developer|available_tools|tool_\w+|img\w*|image_\w+|[gs]mask|system_prompt|request interrupted)(?![a-z]))/gi;
/** A letter with more marks than this covers its neighbours. */
const MARKS = /(\p{M}{6})\p{M}+/gu;
const BLANK_LINES = /\n(?:[ \t]*\n){4,}/g;
const SPACES = /[ \t]{120,}/g;

/** The text without anything that acts. */
export function harmless(text: string): string {
  return shown(text.toWellFormed().replace(LINE_ENDS, "\n"))
    .replace(MARKUP, "‹")
    .replace(TURN, "(")
    .replace(MARKS, "$1")
    .replace(SPACES, (run) => ` ⟨${run.length} spaces⟩ `)
    .replace(BLANK_LINES, (run) => `\n⟨${run.split("\n").length - 2} blank lines⟩\n`);
}

/** One line of it, cut to so many characters. */
export function harmlessLine(text: string, characters: number): string {
  const line = harmless(text.slice(0, characters * 4))
    .replace(/\s+/g, " ")
    .trim();
  return line.length > characters ? `${whole(line.slice(0, characters - 1))}…` : line;
}

/** Without the half of a character that a cut may have left. */
export const whole = (text: string): string => (/[\uD800-\uDBFF]$/.test(text) ? text.slice(0, -1) : text);

function shown(text: string): string {
  return text.replace(HIDDEN_RUN, (run, at: number) => {
    let named = "";
    let count = 0;
    let place = at;
    for (const character of run) {
      WELCOME.lastIndex = place;
      if (WELCOME.test(text)) named += character;
      else {
        count++;
        named += `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
      }
      place += character.length;
    }
    return count > NAMED ? `⟨${count} hidden characters⟩` : named;
  });
}
