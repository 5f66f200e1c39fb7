import { z } from "zod";

/** Shapes that the OpenAPI document shows under a name; every other stands where it is used. */
export const NAMED = z.registry<{ id: string }>();

const NEVER = z.never();

/**
 * Members are made at first use: each takes some 14 µs, and a start of the relay needs a tenth of them. From then on they are a
 * value: of a getter zod assumes that its shape may hold itself, and remembers each object that it checks by it.
 */
const lazily = <S extends z.ZodRawShape>(members: () => S, rest = {}) =>
  new z.ZodObject({
    ...{ type: "object", ...rest },
    get shape(): S {
      const value = members();
      Object.defineProperty(this, "shape", { value, enumerable: true });
      return value;
    },
  });

/** Like `z.object`, with members that are made at first use. */
export const object = <S extends z.ZodRawShape>(members: () => S) => lazily(members) as z.ZodObject<S, z.core.$strip>;

/** Like `z.strictObject`, with members that are made at first use. */
export const strictObject = <S extends z.ZodRawShape>(members: () => S) =>
  lazily(members, { catchall: NEVER }) as z.ZodObject<S, z.core.$strict>;

/** Shape of an answer that the OpenAPI document shows under a name, with what it says of it. */
export const named = <S extends z.ZodRawShape>(id: string, description: string, members: () => S) =>
  object(members).describe(description).register(NAMED, { id });

/** Choice that the OpenAPI document shows under a name, with what it says of it. */
export const namedEnum = <const C extends readonly string[]>(id: string, description: string, choices: C) =>
  z.enum(choices).describe(description).register(NAMED, { id });

type Words<Text extends string> = Text extends `${infer First} ${infer Rest}` ? [First, ...Words<Rest>] : [Text];

/** List of words, one space between them; each keeps its own type. */
export const words = <const Text extends string>(text: Text) => text.split(" ") as Words<Text>;
