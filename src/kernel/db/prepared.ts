import { Column, is, Param, Placeholder, SQL } from "drizzle-orm";

type Values = Record<string, unknown>;
type Row = Record<string, unknown>;

/** Members of drizzle's prepared query for bun:sqlite that are used here. */
interface Inside {
  stmt: { values(...params: unknown[]): unknown[][]; run(...params: unknown[]): unknown };
  query: { params: unknown[] };
  fields?: { path: string[]; field: unknown }[];
  joinsNotNullableMap?: Record<string, boolean>;
  customResultMapper?: unknown;
  get(values?: Values): unknown;
}

type Fill = (values: Values) => unknown;
type Decode = ((raw: unknown) => unknown) | undefined;

/**
 * Runs a prepared query with less overhead: parameters and decoders are worked out once instead of at every call (1.5 µs less
 * for a row of seven columns; a send runs seven statements). Nested rows are left to drizzle.
 */
export function lean<P>(prepared: P): P {
  const inside = prepared as Inside;
  if (!inside.stmt || inside.customResultMapper || inside.fields?.some(({ path }) => path.length > 1)) return prepared;
  const fills = inside.query.params.map(fillOf);
  const params = (values: Values = {}) => fills.map((fill) => fill(values));
  const run = (values?: Values) => inside.stmt.run(...params(values));
  if (!inside.fields) return { run, get: (values?: Values) => inside.get(values) } as P;

  const names = inside.fields.map(({ path }) => path[0] ?? "");
  const decoders = inside.fields.map(({ field }) => decoderOf(field));
  const toRow = (raw: unknown[]): Row => {
    const row: Row = {};
    for (let i = 0; i < names.length; i++) {
      const decode = decoders[i];
      const value = raw[i];
      row[names[i] as string] = decode && value !== null ? decode(value) : value;
    }
    return row;
  };
  return {
    run,
    get(values?: Values) {
      const raw = inside.stmt.values(...params(values))[0];
      return raw && toRow(raw);
    },
    all: (values?: Values) => inside.stmt.values(...params(values)).map(toRow),
  } as P;
}

function fillOf(param: unknown): Fill {
  if (is(param, Placeholder)) return named(param.name);
  if (is(param, Param) && is(param.value, Placeholder)) {
    const value = named(param.value.name);
    const { encoder } = param;
    return (values) => {
      const given = value(values);
      // As drizzle does it for statements that are not prepared: a column of JSON would store the text `null`.
      return given === null ? null : encoder.mapToDriverValue(given);
    };
  }
  return () => param;
}

const named =
  (name: string): Fill =>
  (values) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no value for ${name}`);
    return value;
  };

function decoderOf(field: unknown): Decode {
  if (is(field, Column)) {
    // Text and integers need no decoder.
    if (field.mapFromDriverValue === Column.prototype.mapFromDriverValue) return undefined;
    return (raw) => field.mapFromDriverValue(raw);
  }
  const expression = is(field, SQL) ? field : (field as { sql?: SQL }).sql;
  const decoder = (expression as unknown as { decoder?: { mapFromDriverValue(raw: unknown): unknown } })?.decoder;
  return decoder && ((raw) => decoder.mapFromDriverValue(raw));
}
