/** Whether a message tells of work that goes on, by `progress: true` in its payload. Such a reply is no answer. */
export const isProgress = (payload: Record<string, unknown> | null | undefined): boolean => payload?.progress === true;
