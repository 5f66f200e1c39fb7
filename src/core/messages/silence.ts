import type { ParsedDraft } from "../../protocol/messages.ts";
import { isSilence } from "../../protocol/silence.ts";
import type { Lineage } from "./row.ts";

/** Messages that need no answer: a model may answer them with silence. */
const OPTIONAL: ReadonlySet<Lineage["kind"]> = new Set(["announcement", "channel.event"]);

/**
 * Whether an answer is silence: exactly `NO_REPLY` or `ANNOUNCE_SKIP`, without files, in answer to an announcement or to an
 * event of a channel. It is stored for the record, offered to nobody, and never posted.
 */
export function isHushed({ body, payload }: Said, parent: Pick<Lineage, "kind"> | undefined): boolean {
  if (!parent || !OPTIONAL.has(parent.kind) || !isSilence(body)) return false;
  return !Array.isArray(payload?.files) || payload.files.length === 0;
}

type Said = Pick<ParsedDraft, "body"> & { payload?: ParsedDraft["payload"] };
