import { join } from "node:path";
import { daemonWords } from "./daemon-words.ts";

// First file of a built program: the relay, the daemon and the commands are files of their own, as each is started often or idles for
// weeks, and needs little of the others.
const words = process.argv.slice(2);
const [command, ...flags] = words;
const load = (file: string) => import(join(import.meta.dirname, file));
if (command === "serve") void load("main").then((relay: typeof import("../main.ts")) => relay.serve(flags));
else void load(daemonWords(words) ? "daemon" : "everyday");
