import type { Db } from "../../kernel/db/database.ts";
import { lastIdOf } from "../../kernel/db/sequence.ts";
import { createLog } from "../../kernel/log/log.ts";
import type { Entry } from "../../kernel/log/tail.ts";
import { toTime } from "../../protocol/wire.ts";
import type { PartRow } from "./row.ts";

/** One stored part, as its followers need it; `json` is a RunPart. */
export interface PartEntry extends Entry {
  readonly turnId: string;
  /** Index in `json` at which the part itself begins. It ends before the last brace. */
  readonly partAt: number;
  /** The part as a line of a UI message stream, made when first needed: viewers share it. */
  chunk?: Entry;
}

export type PartLog = Awaited<ReturnType<typeof openPartLog>>;

const head = lastIdOf("run_parts");

/** The log of runs, from its newest place on. */
export async function openPartLog(db: Db) {
  return createLog<PartEntry>(await db.read(async (on) => head(on)));
}

export function toPartEntry({ place, runId, turnId, at, json }: PartRow): PartEntry {
  const head = `{"place":${place},"turnId":"${turnId}","at":"${toTime(at)}","part":`;
  return {
    ...{ id: place, key: runId, event: "part", json: `${head}${json}}`, expiresAt: null },
    ...{ turnId, partAt: head.length },
  };
}

/** JSON of the part itself. */
export const partJson = ({ json, partAt }: PartEntry): string => json.slice(partAt, -1);

/** Whether a part begins, or ends, its turn. */
export const isStart = ({ json, partAt }: PartEntry): boolean => json.startsWith('{"type":"start",', partAt);
export const isEnd = ({ json, partAt }: PartEntry): boolean => ENDS.some((end) => json.startsWith(end, partAt));

const ENDS = ['{"type":"finish",', '{"type":"abort"', '{"type":"error",'];
