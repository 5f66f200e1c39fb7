import { members, PARSED } from "./bodies.ts";
import type { Watch } from "./hold.ts";
import type { World } from "./world.ts";

export interface Held {
  what: string;
  status: string;
  milliseconds: number;
}

const MIB = 1024 * 1024;
const UNKNOWN = `{"type":"send","ref":1,${members(PARSED)}}`;
const FRAMES: [what: string, frame: string, times?: number][] = [
  ["socket: 4 MiB of unknown members", `{"type":"send","ref":1,${members(4 * MIB - 1000)}}`],
  ["socket: unknown members, as many as are parsed", UNKNOWN],
  ["socket: ten such frames at once", UNKNOWN, 10],
  ["socket: 256 KiB", JSON.stringify({ type: "send", ref: 1, message: { to: "ben", body: "x".repeat(256 * 1024) } })],
];

/** Frames of a real connection; its client runs in this process, too, so what it costs is counted with them. */
export async function measureSockets(world: World, watch: Watch): Promise<Held[]> {
  const server = world.relay.app.listen({ port: 0, hostname: "127.0.0.1" }).server;
  const url = `ws://127.0.0.1:${server?.port}/v1/agents/quiet/socket`;
  const headers = { authorization: `Bearer ${world.tokens.quiet}` };
  const held: Held[] = [];
  for (const [what, frame, times = 1] of FRAMES) {
    const socket = new WebSocket(url, { headers, protocols: ["signalbox.v1"] } as unknown as string[]);
    let answered: (type: string) => void = () => undefined;
    let left = times;
    const answer = new Promise<string>((resolve) => {
      answered = (type) => {
        if (--left === 0) resolve(type);
      };
    });
    await new Promise((resolve) => {
      socket.onmessage = ({ data }) => {
        const { type, problem } = JSON.parse(String(data));
        if (type === "hello") resolve(undefined);
        if (type === "ok" || type === "problem") answered(type === "ok" ? "ok" : `${problem.status}`);
      };
    });
    let status = "";
    const milliseconds = await watch.during(async () => {
      for (let i = 0; i < times; i++) socket.send(frame);
      status = await answer;
    });
    held.push({ what, status, milliseconds });
    socket.close();
  }
  server?.stop(true);
  return held;
}
