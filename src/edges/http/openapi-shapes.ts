import { z } from "zod";
import { NAMED } from "../../protocol/shape.ts";

/** JSON that is being put together. */
export type Json = Record<string, unknown>;

/** Writes a schema in one direction: a named one as a reference, another in full. */
type Write = (schema: z.ZodType) => Json;

export interface Shapes {
  input: Write;
  output: Write;
  /** A path or query parameter, by its meaning (a number), not its form on the wire (text). */
  parameter: Write;
  /** Named schemas written so far, with those they refer to. The output form wins over the input form. */
  components(): Json;
}

/** Writes zod schemas as JSON Schema 2020-12, which OpenAPI 3.1 takes as it is. */
export function createShapes(inputs: readonly z.ZodType[], outputs: readonly z.ZodType[]): Shapes {
  const read = convert("input", inputs);
  const written = convert("output", outputs);
  const parameter: Write = (schema) =>
    cleaned(z.toJSONSchema(schema, { io: "output", unrepresentable: "any", override: simplify("output") }));
  return {
    input: read.write,
    output: written.write,
    parameter,
    components: () => ({ ...read.components, ...written.components }),
  };
}

/** Writes one direction of `roots`, and of the named shapes that they lead to. */
function convert(io: "input" | "output", roots: readonly z.ZodType[]) {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of NAMED._idmap) registry.add(schema, { id });
  for (const [at, schema] of roots.entries()) if (!registry.has(schema)) registry.add(schema, { id: `unnamed.${at}` });
  const { schemas }: { schemas: Record<string, Json> } = z.toJSONSchema(registry, {
    io,
    uri: referenceTo,
    override: simplify(io),
    // Checks of our own describe themselves in their metadata; a transform has no shape to show.
    unrepresentable: ({ zodSchema }) => (zodSchema._zod.def.type === "custom" ? {} : { $comment: HIDDEN }),
  });
  const components: Json = {};

  function write(id: string): Json {
    if (id in components) return { $ref: referenceTo(id) };
    const json = cleaned(schemas[id] ?? {});
    const text = JSON.stringify(json);
    if (text.includes(HIDDEN)) throw new Error(`${id} has no shape to show as ${io}`);
    const isNamed = NAMED._idmap.has(id);
    if (isNamed) components[id] = json;
    for (const [, name = ""] of text.matchAll(REFERENCES)) write(name);
    return isNamed ? { $ref: referenceTo(id) } : json;
  }
  return { components, write: (schema: z.ZodType) => write(registry.get(schema)?.id ?? "") };
}

const HIDDEN = "a transform";
const REFERENCES = /"\$ref":"#\/components\/schemas\/(\w+)"/g;
const referenceTo = (name: string): string => `#/components/schemas/${name}`;

/** Drops members that zod adds and no reader needs. Answers may grow by fields, so they are not closed. */
const simplify =
  (io: "input" | "output") =>
  ({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void => {
    if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (JSON.stringify(jsonSchema.propertyNames) === '{"type":"string"}') delete jsonSchema.propertyNames;
    if (io === "output" && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    if (io === "input" && jsonSchema.default !== undefined) describeDefault(jsonSchema);
    if (jsonSchema.shorthand) admitShorthand(jsonSchema);
  };

/** Moves a default to the description: client generators would demand a member with `default` of the caller. */
function describeDefault(jsonSchema: z.core.JSONSchema.BaseSchema): void {
  const said = `Default: ${JSON.stringify(jsonSchema.default)}.`;
  jsonSchema.description = jsonSchema.description ? `${jsonSchema.description} ${said}` : said;
  delete jsonSchema.default;
}

/** A preprocessed schema names in its metadata the shorter form that it takes too: the document shows both. */
function admitShorthand(jsonSchema: z.core.JSONSchema.BaseSchema): void {
  const { shorthand, description, ...full } = jsonSchema;
  for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
  Object.assign(jsonSchema, { description, anyOf: [shorthand, full] });
}

const cleaned = ({ $schema: _, $id: __, id: ___, ...rest }: Json): Json => rest;
