import { type SQL, type SQLWrapper, sql } from "drizzle-orm";

/**
 * `column in (the items of a JSON array)`, as one placeholder. drizzle's `inArray` cannot be prepared with a list whose
 * length is not known; `json_each` costs the same.
 */
export function inList(column: SQLWrapper, placeholder: string): SQL {
  return sql`${column} in (select value from json_each(${sql.placeholder(placeholder)}))`;
}
