import { line } from "./wire.ts";

const FORM = /^(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:[-+][0-9A-Za-z.+-]+)?$/;

/** Version of a program of ours, as it says on the wire. */
export const VersionText = line(64).regex(FORM, "has to be a version, like 0.2.0");

/**
 * Why a daemon and a relay of these versions do not go together; undefined when they do. Minor versions go together that
 * are the same, one before or one after; anything goes with itself.
 */
export function versionFlaw(daemon: string, relay: string): string | undefined {
  if (daemon === relay) return undefined;
  const [one, other] = [partsOf(daemon), partsOf(relay)];
  if (one === undefined) return `${daemon} is no version, like ${relay}.`;
  if (other === undefined || (one.major === other.major && Math.abs(one.minor - other.minor) <= 1)) return undefined;
  const isOlder = one.major === other.major ? one.minor < other.minor : one.major < other.major;
  const older = isOlder ? "daemon" : "relay";
  const { major, minor } = other;
  const range = `${minor === 0 ? "" : `${major}.${minor - 1}, `}${major}.${minor} and ${major}.${minor + 1}`;
  return `A daemon of version ${daemon} does not go with a relay of version ${relay}, which takes ${range}. Upgrade the ${older}.`;
}

function partsOf(version: string): { major: number; minor: number } | undefined {
  const [, major, minor] = FORM.exec(version) ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}
