import { join } from "node:path";
import { daemonWords } from "./daemon-words.ts";

// First file of a built program. The daemon is a file of its own, a fifth of the other: it idles for weeks, beside others' work.
void import(join(import.meta.dirname, daemonWords(process.argv.slice(2)) ? "daemon" : "program"));
