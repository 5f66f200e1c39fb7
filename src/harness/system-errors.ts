const SENTENCES: Record<string, string> = {
  ENOENT: "there is no such file",
  EACCES: "this user may not use it",
  EPERM: "this user may not use it",
  EISDIR: "it is a folder, not a file",
  ENOTDIR: "a part of its path is not a folder",
  EEXIST: "it is there already",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system takes no writes",
  ELOOP: "its links lead in a circle",
  ENAMETOOLONG: "its name is too long",
  EMFILE: "too many files are open",
  ENOTEMPTY: "the folder is not empty",
};

/** The operating system's reason as half a sentence; undefined for other errors. */
export function systemReason(error: unknown): string | undefined {
  const { code = "" } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  return SENTENCES[code];
}

/** A whole sentence about a file that a command could not use; undefined for other errors. */
export function systemSentence(error: unknown): string | undefined {
  const reason = systemReason(error);
  const { path } = error as NodeJS.ErrnoException;
  return reason && path ? `${path} cannot be used: ${reason}` : reason;
}
