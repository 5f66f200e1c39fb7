import { main } from "./main.ts";

// File of all commands but `serve` in a built program; entry.ts loads it.
main();
