import { join } from "node:path";
import { Glob } from "bun";
import type { Contract } from "../../src/protocol/contract.ts";

const PROTOCOL = join(import.meta.dir, "../../src/protocol");
/** Served by the relay, and described by another protocol than ours. */
const BINDINGS = /^(a2a-bindings|mcp)\.ts$/;

const isContract = (value: unknown): value is Contract =>
  typeof value === "object" && value !== null && "operationId" in value;

/** Contracts of the protocol's files, by the names under which they are exported: ours, or those of other protocols. */
export async function contractsOf(protocol: "ours" | "others"): Promise<[name: string, contract: Contract][]> {
  const files = [...new Glob("*.ts").scanSync(PROTOCOL)].filter(
    (file) => BINDINGS.test(file) === (protocol === "others"),
  );
  const modules = await Promise.all(files.map((file) => import(join(PROTOCOL, file))));
  return modules.flatMap((module) =>
    Object.entries(module).flatMap(([name, value]): [string, Contract][] => (isContract(value) ? [[name, value]] : [])),
  );
}
