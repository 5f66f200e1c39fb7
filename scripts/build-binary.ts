import { resolve } from "node:path";
import { buildBinary } from "./build.ts";

/** Makes the binary: `bun run build:binary [file]`, by default the file `signalbox` of the folder it is called in. */
const file = resolve(process.argv[2] ?? "signalbox");
await buildBinary(file);
console.log(file);
