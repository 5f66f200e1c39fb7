/** Another product, doing the same work. All state is temporary; its server is one of this run's children. */
export interface Peer {
  /** Stores one message; done when the server has confirmed it as durably as it can. */
  send(message: string): Promise<unknown>;
  /** Stores `count` messages, however is fastest. */
  fill(messages: readonly string[]): Promise<unknown>;
  /** Claims and acknowledges `count` stored messages, 64 at once. */
  workOff(count: number): Promise<unknown>;
  /** Sends, claims and acknowledges messages, 64 at once, until `count` are done. */
  flow(messages: readonly string[]): Promise<unknown>;
  close(): unknown;
}

export interface PeerProduct {
  name: string;
  title: string;
  /** The npm package and the program that it needs. */
  npm: string;
  program?: string;
  open(installed: Installed, folder: string): Promise<Peer>;
}

/** The folder with the peers' npm packages. What a package exports is declared where it is used. */
export interface Installed {
  load<T>(packageName: string): Promise<T>;
  fileOf(packageName: string): string;
}

export function installedIn(folder: string): Installed {
  const fileOf = (packageName: string) => Bun.resolveSync(packageName, folder);
  return { fileOf, load: (packageName) => import(fileOf(packageName)) };
}

export const LANES = 64;

/** Runs `step` on 64 lanes until each item had its turn. */
export async function inLanes<T>(items: readonly T[], step: (item: T, lane: number) => Promise<unknown>) {
  const queue = items.entries();
  await Promise.all(
    Array.from({ length: LANES }, async (_, lane) => {
      for (let next = queue.next(); !next.done; next = queue.next()) await step(next.value[1], lane);
    }),
  );
}
