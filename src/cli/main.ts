#!/usr/bin/env -S bun --config=/dev/null --no-env-file --tsconfig-override=/dev/null
import { GROUPS } from "./all-groups.ts";
import { main } from "./command-line.ts";

main(GROUPS);
