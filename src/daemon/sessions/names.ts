const STOP_WORDS = new Set(
  (
    "a an and are as at be but by can could do does for from get give had has have he her him his how i if in into is it its just " +
    "let like make may me my need no not now of on or our out please she should so some that the their them then there these they " +
    "this to up us want was we were what when where which who why will with would you your " +
    "ano ale asi bez bych byl byla byt co do ho jak jako je jeho jen jsem jsi jsme k ke kde kdo kdy ma mi mit muj na nad ne nebo od " +
    "po pod pro prosim pri s se si ta tak tam te ten to tu ty u uz v ve za ze"
  ).split(" "),
);
const WORDS = 4;
const CHARS = 40;

/** Name of a session by its prompt: up to four words that say something, `task` where there are none. */
export function nameOf(prompt: string): string {
  const words = prompt
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word.length > 1 && !STOP_WORDS.has(word));
  let name = "";
  for (const word of words.slice(0, WORDS)) {
    const longer = name === "" ? word.slice(0, CHARS) : `${name}-${word}`;
    if (longer.length > CHARS) break;
    name = longer;
  }
  return name === "" ? "task" : name;
}
