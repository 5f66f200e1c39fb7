import type { Areas } from "../../core/core.ts";
import type { Approvals } from "../../features/approvals/approvals.ts";
import type { Runs } from "../../features/runs/runs.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Announcements } from "../announcements/announcements.ts";
import type { NoteRow, SubscriptionRow } from "./store.ts";

/** Characters of a text on a lock screen. */
const PREVIEW = 120;
/** Marks that hide or turn other characters. */
const HIDDEN = /[\p{Cc}\p{Cf}\u2028\u2029\s]+/gu;

export type Subjects = ReturnType<typeof createSubjects>;

/** Subjects of pushes, as they are when a push is due. */
export function createSubjects({
  identity,
  core,
  ...areas
}: Areas & { approvals: Approvals; announcements: Announcements; runs: Runs }) {
  const { approvals, announcements, runs } = areas;
  const { messages, threads } = core;

  async function isMessageOver(on: ReadTx, { personId }: SubscriptionRow, id: number): Promise<boolean> {
    if ((await messages.rows.lineage(on, id)) === undefined) return true;
    return identity.directory.cursorOf(on, "user") >= id || threads.hasRead(on, personId, id);
  }

  return {
    /** Whether its reader was told otherwise: an answered approval, a message that was read, a result that went out after all. */
    async isOver(on: ReadTx, to: SubscriptionRow, { about, expiresAt }: NoteRow, now: number): Promise<boolean> {
      if (expiresAt <= now) return true;
      const { approvalId, messageId, announcementId } = about;
      if (approvalId !== undefined) return (await approvals.find(on, approvalId))?.state !== "pending";
      if (announcementId !== undefined) return (await announcements.find(on, announcementId))?.state !== "blocked";
      return messageId !== undefined && isMessageOver(on, to, messageId);
    },

    /** Title or beginning of the text, in one line; undefined where there is none, or none that may be read here. */
    async previewOf(on: ReadTx, { about }: NoteRow): Promise<string | undefined> {
      const { approvalId, messageId, runId, text } = about;
      if (approvalId !== undefined) return shortened((await approvals.find(on, approvalId))?.title);
      const run = runId === undefined ? undefined : await runs.book.byId(on, runId);
      if (run) return shortened(run.label ?? (run.opaque ? undefined : (run.result ?? run.error ?? run.task)));
      const row = messageId === undefined ? undefined : await messages.rows.byId(on, messageId);
      return shortened(row?.opaque ? row.subject : row ? (row.subject ?? row.body) : text);
    },
  };
}

function shortened(text: string | null | undefined): string | undefined {
  const line =
    text
      ?.slice(0, 4 * PREVIEW)
      .replace(HIDDEN, " ")
      .trim() ?? "";
  if (line.length <= PREVIEW) return line === "" ? undefined : line.toWellFormed();
  return `${line.slice(0, PREVIEW).toWellFormed()}…`;
}
