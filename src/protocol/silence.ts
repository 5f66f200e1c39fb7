/** Texts by which a model says that it has nothing to say. */
const SILENT: ReadonlySet<string> = new Set(["NO_REPLY", "ANNOUNCE_SKIP"]);

/** Whether a text is one of the two agreed words for silence, and nothing else. Case counts; white space around it does not. */
export const isSilence = (text: string | null | undefined): boolean => text != null && SILENT.has(text.trim());
