import { z } from "zod";

/** Shapes that the OpenAPI document shows under a name; every other stands where it is used. */
export const NAMED = z.registry<{ id: string }>();
