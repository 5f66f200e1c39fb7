import type { List } from "../protocol/wire.ts";

/**
 * Yields every item of a list, page after page, as long as the caller reads on. `read` takes the page to ask for, as in
 * `everyItem((page) => client.agents.list({ page }))`. A page may be empty and not be the last.
 */
export async function* everyItem<T>(
  read: (page: string | undefined) => Promise<List<T>>,
): AsyncGenerator<T, void, void> {
  let page: string | undefined;
  do {
    const list = await read(page);
    yield* list.items;
    page = list.nextPage ?? undefined;
  } while (page !== undefined);
}
