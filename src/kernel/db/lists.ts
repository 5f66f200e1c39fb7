import { type SQL, type SQLWrapper, sql } from "drizzle-orm";

/**
 * Condition `column in (items of a JSON array)`, as one placeholder. drizzle's `inArray` cannot be prepared for lists of
 * unknown length; `json_each` costs the same.
 */
export function inList(column: SQLWrapper, placeholder: string): SQL {
  return sql`${column} in (select value from json_each(${sql.placeholder(placeholder)}))`;
}

/** `column in (ids)`, for statements that are not prepared. */
export function inIds(column: SQLWrapper, ids: readonly (string | number)[]): SQL {
  return sql`${column} in (select value from json_each(${JSON.stringify(ids)}))`;
}
