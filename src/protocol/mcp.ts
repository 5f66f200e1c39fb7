import { contracts } from "./contract.ts";

/** MCP's Streamable HTTP: one path, three methods. They speak JSON-RPC, and so are no part of the OpenAPI document. */
const contract = contracts("MCP");
const shared = { long: true, answers: { 200: { description: "JSON-RPC, as JSON or as Server-Sent Events." } } };

export const mcpRequest = contract("mcpRequest", "POST /mcp", { ...shared, summary: "Send one JSON-RPC message" });
export const mcpStream = contract("mcpStream", "GET /mcp", {
  ...shared,
  summary: "Follow the notifications of a session",
});
export const mcpEnd = contract("mcpEnd", "DELETE /mcp", { ...shared, summary: "End a session" });
