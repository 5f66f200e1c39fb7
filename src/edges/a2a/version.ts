/** A version of the protocol without its patch, which changes nothing that is spoken: 1.0.1 is 1.0. */
export const minorOf = (version: string): string => /^\s*(\d+\.\d+)(?:\.\d+)?\s*$/.exec(version)?.[1] ?? version;
