import { join } from "node:path";
import { createProgram, main } from "./command-line.ts";
import { EVERYDAY } from "./everyday-groups.ts";
import { groupOf } from "./groups.ts";

// File of the everyday commands in a built program; entry.ts loads it. It leaves help and all else to the file of all commands.
if (groupOf(EVERYDAY, createProgram(), process.argv.slice(2))) main(EVERYDAY);
else void import(join(import.meta.dirname, "program"));
