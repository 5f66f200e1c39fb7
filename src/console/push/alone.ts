/**
 * Shows or lists notifications while nobody else of this origin does: Chromium forgets a notification that is listed while it
 * is being shown.
 */
export const alone = <T>(work: () => Promise<T>): Promise<T> => navigator.locks.request("notifications", work);
