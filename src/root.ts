import { pathToFileURL } from "node:url";

/** The project's folder: one above `src/`, and one above the bundle in `dist/`. */
export const ROOT = new URL("../", pathToFileURL(`${import.meta.dirname}/`));
