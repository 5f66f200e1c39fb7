// File of all commands but `serve` in a built program; everyday.ts loads it.
import "./main.ts";
