import type { LateRoutes, Routes } from "../../identity/auth/late-routes.ts";
import type { Route } from "../../identity/auth/route.ts";
import type { Method } from "../../protocol/contract.ts";

export interface Found {
  route: Route;
  params: Record<string, string>;
}

interface Node {
  literals: Map<string, Node>;
  parameter?: Node;
  routes: Map<Method, Placed>;
}

/** A route, and where its parameters stand in its path. */
interface Placed {
  route: Route;
  parameters: { at: number; name: string }[];
}

const newNode = (): Node => ({ literals: new Map(), routes: new Map() });

/**
 * Finds routes by path. A literal segment wins over a parameter, one slash at the end is ignored, and HEAD is answered by
 * the route of GET.
 */
export function createRouter(table: Routes) {
  const root = newNode();
  const late = new Set<LateRoutes>();
  for (const one of table) "load" in one ? late.add(one) : add(one);

  function add(route: Route): void {
    let node = root;
    const parameters: Placed["parameters"] = [];
    for (const [at, part] of segmentsOf(route.path).entries()) {
      if (part.startsWith("{")) {
        parameters.push({ at, name: part.slice(1, -1) });
        node = node.parameter ??= newNode();
      } else {
        const next = node.literals.get(part) ?? newNode();
        node.literals.set(part, next);
        node = next;
      }
    }
    node.routes.set(route.method, { route, parameters });
  }

  return {
    find(method: string, path: string): Found | undefined {
      const parts = segmentsOf(path);
      const wanted = (method === "HEAD" ? "GET" : method) as Method;
      const found = firstWith(wanted, root, parts, 0);
      return found && { route: found.route, params: paramsOf(found, parts) };
    },
    /** Adds the late routes that may take a path. @returns whether there were any */
    async load(path: string): Promise<boolean> {
      const parts = segmentsOf(path);
      const wanted = [...late].filter(({ below }) => below.some((start) => isBelow(parts, segmentsOf(start))));
      for (const one of wanted) {
        const routes = await one.load();
        const stray = routes.find(
          (route) => !one.below.some((start) => isBelow(segmentsOf(route.path), segmentsOf(start))),
        );
        if (stray) throw new Error(`${stray.path} would not be found: it is not below ${one.below.join(" or ")}`);
        // One of two concurrent requests adds them.
        if (late.delete(one)) for (const route of routes) add(route);
      }
      return wanted.length > 0;
    },
    /** The methods that a path takes; none when there is no such path. */
    methods(path: string): Set<string> {
      const methods = new Set<string>();
      for (const { routes } of matching(root, segmentsOf(path), 0))
        for (const method of routes.keys()) methods.add(method);
      if (methods.has("GET")) methods.add("HEAD");
      return methods;
    },
  };
}

/** The most literal route of a method that a path leads to. */
function firstWith(method: Method, node: Node, parts: readonly string[], at: number): Placed | undefined {
  const part = parts[at];
  if (part === undefined) return node.routes.get(method);
  const literal = node.literals.get(part);
  const found = literal && firstWith(method, literal, parts, at + 1);
  if (found || !node.parameter || part === "") return found;
  return firstWith(method, node.parameter, parts, at + 1);
}

/** Nodes that a path leads to, the most literal one first. */
function* matching(node: Node, parts: readonly string[], at: number): Generator<Node> {
  const part = parts[at];
  if (part === undefined) {
    yield node;
    return;
  }
  const literal = node.literals.get(part);
  if (literal) yield* matching(literal, parts, at + 1);
  if (node.parameter && part !== "") yield* matching(node.parameter, parts, at + 1);
}

const isBelow = (parts: readonly string[], start: readonly string[]): boolean =>
  start.every((part, at) => part === parts[at] || (part.startsWith("{") && at < parts.length));

const segmentsOf = (path: string): string[] =>
  (path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path).split("/");

function paramsOf({ parameters }: Placed, parts: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {};
  for (const { at, name } of parameters) params[name] = decoded(parts[at] ?? "");
  return params;
}

/** Leaves a badly encoded value as it came: the parameter's schema then refuses it. */
function decoded(part: string): string {
  if (!part.includes("%")) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
