import type { Areas } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import { actingAs, type Caller, readersOf } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import type { StoredFile } from "../../protocol/files.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime } from "../../protocol/wire.ts";
import type { FileRow, FileStore } from "./store.ts";

/** A file that has arrived, with its declared name and type. */
export interface Upload {
  name: string;
  type: string;
  size: number;
  sha256: string;
  agentId: string | undefined;
}

/** Headers of an upload, known before its bytes. */
export interface Announced {
  type: string;
  agentId: string | undefined;
  bytes: number;
  key: string | undefined;
}

/** Limits of files of one agent that no message carries. They go after a time. */
const MAX_UNUSED_FILES = 500;
const MAX_UNUSED_BYTES = 1024 ** 3;
/** Files one message may carry. */
const MAX_CARRIED = 64;
/** Messages that carry a file, newest first: checked in full, and checked by membership alone. */
const MAX_USES = 200;
const MAX_OLDER_USES = 20_000;
/** The operation of the idempotency keys of files. */
export const UPLOAD = "uploadFile";
const FILE_ID = /^fil_[0-9a-z]{1,40}$/;

export type FileService = ReturnType<typeof createFileService>;

/** Attachments: their uploads, the messages that carry them, and the right to read them. */
export function createFileService({ kernel, identity, core }: Areas, store: FileStore, types: readonly string[]) {
  const { clock, disk, hooks, idempotency } = kernel;
  const { agents, directory } = identity;
  const { messages } = core;
  const stored = hooks.event<[file: FileRow]>("files.stored");

  /** Whether the agent uploaded the file, or may read a message that carries it. */
  async function mayRead(on: ReadTx, agentId: string, file: FileRow): Promise<boolean> {
    if (file.uploadedBy === agentId) return true;
    for (const id of await store.usesOf(on, file.id, MAX_USES)) {
      const message = await messages.rows.lineage(on, id);
      if (message && (await messages.access.mayRead(on, agentId, message))) return true;
    }
    // A reader keeps a file however often it was sent on since.
    return store.reached(on, file.id, agentId, MAX_OLDER_USES);
  }

  /** As `mayRead`, for a caller's own agent or one that it has enrolled. */
  async function mayReadAny(on: ReadTx, caller: Caller, file: FileRow): Promise<boolean> {
    for (const reader of readersOf(caller)) if (await mayRead(on, reader, file)) return true;
    return false;
  }

  /** When a message is planned: what its payload names has to be there for its messages. @throws Problem 422 */
  function checkUse(on: ReadTx, author: { id: string }, { payload }: { payload?: Payload }) {
    const named = payload && ("files" in payload || "attachments" in payload) ? namedIn(payload) : [];
    return named.length > 0 ? checkNamed(on, author.id, named) : undefined;
  }

  async function checkNamed(on: ReadTx, agentId: AgentId, named: ReturnType<typeof namedIn>): Promise<undefined> {
    for (const { id, pointer } of named) await requireUsable(on, agentId, id, pointer);
  }

  /** Files of a planned message are kept until it is sent, as if uploaded then. */
  async function keepUntil(tx: Tx, payload: Payload, at: number): Promise<void> {
    for (const { id } of payload ? namedIn(payload) : []) await store.keepUntil(tx, id, at);
  }

  /** In the write that appends a message: what its payload names has to be there for its messages. @throws Problem 422 */
  function countUse(tx: Tx, { id, fromId, payload }: Carrier): Promise<void> | undefined {
    return payload?.includes('"fil_') ? countNamed(tx, id, fromId, JSON.parse(payload)) : undefined;
  }

  async function countNamed(
    tx: Tx,
    messageId: number,
    agentId: AgentId,
    payload: Record<string, unknown>,
  ): Promise<void> {
    for (const { id, pointer } of namedIn(payload)) {
      await requireUsable(tx, agentId, id, pointer);
      await store.use(tx, id, messageId);
    }
  }

  /** @throws Problem 422 when there is no such file for this agent: one that it may not read is none. */
  async function requireUsable(on: ReadTx, agentId: AgentId, id: string, pointer: string): Promise<FileRow> {
    const file = await store.byId(on, id);
    if (!file || !(await isTheirs(on, agentId, file))) throw Problem.invalid(pointer, `there is no file ${id}`);
    return file;
  }

  /** People and the relay itself use every file. */
  async function isTheirs(on: ReadTx, agentId: AgentId, file: FileRow): Promise<boolean> {
    return agentId === "user" || agentId === "system" || mayRead(on, agentId, file);
  }

  function isTaken(type: string): boolean {
    return types.some((pattern) => {
      if (pattern === "*" || pattern === "*/*") return true;
      return pattern.endsWith("/*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
    });
  }

  return {
    checkUse,
    keepUntil,
    countUse,
    requireUsable,
    /** Whether there is such a file for this agent. */
    async isUsable(on: ReadTx, agentId: AgentId, id: string): Promise<boolean> {
      const file = await store.byId(on, id);
      return file !== undefined && isTheirs(on, agentId, file);
    },
    stored,

    /**
     * Before a byte is read; `bytes` are at least so many. @throws Problem 403, 415, 429 when too much of theirs lies there
     * that no message carries, or came today, 503 when the disk is nearly full
     */
    async checkUpload(on: ReadTx, caller: Caller, { type, agentId, bytes, key }: Announced): Promise<void> {
      const uploader = actingAs(caller, agentId);
      disk.checkRoom(bytes, "files");
      const facts = directory.facts(on, uploader);
      // A file uploaded before with this key is answered again: `add` looks it up.
      if (facts && key === undefined) messages.quotas.check(facts, "files");
      if (!isTaken(type)) throw new Problem("unsupported-media-type", `Files of type ${type} are not taken here.`);
      if (caller.role === "operator") return;
      const unused = await store.unusedOf(on, uploader, MAX_UNUSED_FILES);
      if (unused.files >= MAX_UNUSED_FILES || unused.bytes >= MAX_UNUSED_BYTES)
        throw new Problem("rate-limited", `No message carries the last ${unused.files} files of ${uploader}.`, {
          retryAfterSeconds: 3600,
        });
    },

    /** `POST /v1/files`, when the bytes have their place. @throws Problem 403, 409, 422 */
    async add(tx: Tx, caller: Caller, upload: Upload, key: string | undefined) {
      const { agentId, ...content } = upload;
      const uploadedBy = actingAs(caller, agentId);
      const facts = await agents.requireActor(tx, caller, uploadedBy);
      const { made: file, replayed } = await idempotency.once<FileRow>(tx, {
        ...{ sender: uploadedBy, key, operation: UPLOAD, asked: content },
        async make() {
          messages.quotas.take(tx, facts, "files");
          const now = clock.now();
          const row: FileRow = { ...content, uploadedBy, id: newId("fil", now), createdAt: now, unusedSince: now };
          await store.add(tx, row);
          await stored.raise(tx, row);
          return { subject: row.id, made: row };
        },
        again: (id) => store.byId(tx, id),
      });
      return { made: wireFile(file), replayed };
    },

    /** Adds the file of a text that another area keeps, whose row holds it until it is released. */
    async addText(
      tx: Tx,
      { agentId, name, sha256, size }: { agentId: AgentId; name: string } & Pick<FileRow, "sha256" | "size">,
    ) {
      const now = clock.now();
      const row: FileRow = {
        ...{ id: newId("fil", now), name, type: "text/plain", size, sha256, uploadedBy: agentId },
        ...{ createdAt: now, unusedSince: null },
      };
      await store.add(tx, row);
      await stored.raise(tx, row);
      return row.id;
    },

    /** @throws Problem 403, 404, 409 */
    async requireReadable(on: ReadTx, caller: Caller, id: string): Promise<FileRow> {
      const reader = await agents.requireReader(on, caller);
      const file = (await store.byId(on, id)) ?? Problem.missing("file", id);
      if (reader !== null && !(await mayReadAny(on, caller, file)))
        throw new Problem("forbidden", `No message that ${reader} may read carries ${id}.`);
      return file;
    },
  };
}

/** Message that carries files. */
type Carrier = Pick<MessageRow, "id" | "fromId" | "payload">;

type Payload = Record<string, unknown> | null | undefined;

/** Where a payload names files: `files` and `attachments`, each an array of `{ fileId }`. @throws Problem 422: too many */
function namedIn(payload: Record<string, unknown>): { id: string; pointer: string }[] {
  const named = ["files", "attachments"].flatMap((member) => {
    const list = payload[member];
    if (!Array.isArray(list)) return [];
    return list.flatMap((item: unknown, index) => {
      const id = typeof item === "object" && item !== null && "fileId" in item ? item.fileId : undefined;
      if (typeof id !== "string" || !FILE_ID.test(id)) return [];
      return [{ id, pointer: `/payload/${member}/${index}/fileId` }];
    });
  });
  if (named.length > MAX_CARRIED) throw Problem.invalid("/payload", `carries more than ${MAX_CARRIED} files`);
  return named;
}

const wireFile = ({ unusedSince: _, createdAt, ...row }: FileRow): StoredFile => ({
  ...row,
  createdAt: toTime(createdAt),
});
