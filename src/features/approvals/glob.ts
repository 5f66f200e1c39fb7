/**
 * Whether a glob matches the whole text: `*` is any text, line breaks and slashes too, and `?` one character. It goes back to
 * the last star alone, so no pattern takes more than the product of the two lengths.
 */
export function matchesGlob(glob: string, text: string): boolean {
  let at = 0;
  let place = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    if (glob[place] === "*") {
      star = place++;
      resume = at;
    } else if (place < glob.length && (glob[place] === "?" || glob[place] === text[at])) {
      place++;
      at++;
    } else if (star >= 0) {
      place = star + 1;
      at = ++resume;
    } else return false;
  }
  while (glob[place] === "*") place++;
  return place === glob.length;
}
