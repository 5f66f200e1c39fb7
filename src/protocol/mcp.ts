import { contract } from "./contract.ts";

/** MCP's Streamable HTTP: one path, three methods. They speak JSON-RPC, and so are no part of the OpenAPI document. */
const shared = {
  ...{ path: "/mcp", tag: "MCP", long: true },
  answers: { 200: { description: "JSON-RPC, as JSON or as Server-Sent Events." } },
};

export const mcpRequest = contract({
  ...shared,
  ...{ method: "POST", operationId: "mcpRequest", summary: "One JSON-RPC message" },
});
export const mcpStream = contract({
  ...shared,
  ...{ method: "GET", operationId: "mcpStream", summary: "The notifications of a session" },
});
export const mcpEnd = contract({ ...shared, method: "DELETE", operationId: "mcpEnd", summary: "End a session" });
