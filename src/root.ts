/** Folder of the program's files: `src/`, the bundle's own folder, or the inside of a binary. See scripts/build.ts. */
export const FOLDER: string = import.meta.dirname;
