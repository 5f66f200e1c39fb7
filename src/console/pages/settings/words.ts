/** `3 people`, `100+ tokens`, `No webhook`. */
export function counted(
  { items, hasMore }: { items: readonly unknown[]; hasMore: boolean },
  one: string,
  many: string,
): string {
  if (items.length === 0) return `No ${one} yet`;
  return `${items.length}${hasMore ? "+" : ""} ${items.length === 1 ? one : many}`;
}

/** Members of a list that is typed with commas or blanks between. */
export const membersOf = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

/** Lines of a text, each as its words. */
export const linesOf = (text: string): string[][] =>
  text
    .split("\n")
    .map((line) => line.split(/\s+/).filter(Boolean))
    .filter((words) => words.length > 0);
