import {
  completable,
  createRequestStateCodec,
  inputRequired,
  McpServer,
  ResourceTemplate,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import type { ServerMaker } from "../../src/edges/mcp/server.ts";

/** Tools that the conformance suite calls by name. None of them is the relay's: they exercise the endpoint. */

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const SILENCE = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";
const WATCHED = "test://watched-resource";

const text = (said: string) => ({ type: "text" as const, text: said });
const image = { type: "image" as const, data: PIXEL, mimeType: "image/png" };
const audio = { type: "audio" as const, data: SILENCE, mimeType: "audio/wav" };
const resource = (uri: string) => ({
  type: "resource" as const,
  resource: { uri, mimeType: "text/plain", text: "This is an embedded resource content." },
});

const ask = (message: string, field: string) =>
  inputRequired.elicit({
    message,
    requestedSchema: { type: "object", properties: { [field]: { type: "string" } }, required: [field] },
  });
const sample = (prompt: string) =>
  inputRequired.createMessage({ messages: [{ role: "user", content: text(prompt) }], maxTokens: 100 });

const codec = createRequestStateCodec<{ step: number }>({ key: "k".repeat(32) });
const answered = ({ mcpReq }: ServerContext, key: string): boolean => mcpReq.inputResponses?.[key] !== undefined;

export const fixtures: ServerMaker = ({ subscribe }) => {
  const server = new McpServer(
    { name: "conformance-fixtures", version: "1.0.0" },
    {
      capabilities: {
        ...{ logging: {}, completions: {}, tools: { listChanged: false }, prompts: { listChanged: false } },
        resources: { subscribe: true, listChanged: false },
      },
      requestState: { verify: codec.verify },
    },
  );
  addContent(server);
  addNotices(server);
  addQuestions(server);
  addResources(server);
  addPrompts(server);
  if (subscribe) {
    server.server.setRequestHandler("resources/subscribe", async ({ params }) => {
      await subscribe(params.uri, true);
      return {};
    });
    server.server.setRequestHandler("resources/unsubscribe", async ({ params }) => {
      await subscribe(params.uri, false);
      return {};
    });
  }
  return server;
};

function addContent(server: McpServer): void {
  const answers = {
    test_simple_text: [text("This is a simple text response for testing.")],
    test_image_content: [image],
    test_audio_content: [audio],
    test_embedded_resource: [resource("test://embedded-resource")],
    test_multiple_content_types: [
      text("Multiple content types test:"),
      image,
      resource("test://mixed-content-resource"),
    ],
  };
  for (const [name, content] of Object.entries(answers))
    server.registerTool(name, { description: "Answers with content." }, () => ({ content }));
  server.registerTool("test_error_handling", { description: "Fails." }, () => {
    throw new Error("This tool intentionally returns an error for testing");
  });
}

function addNotices(server: McpServer): void {
  const empty = z.object({});
  server.registerTool(
    "test_tool_with_progress",
    { description: "Tells how far.", inputSchema: empty },
    async (_, ctx) => {
      const progressToken = ctx.mcpReq._meta?.progressToken ?? 0;
      for (const progress of [0, 50, 100]) {
        await ctx.mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total: 100 } });
        await Bun.sleep(20);
      }
      return { content: [text("done")] };
    },
  );
  for (const name of ["test_tool_with_logging", "test_logging_tool"])
    server.registerTool(name, { description: "Logs.", inputSchema: empty }, async (_, ctx) => {
      for (const said of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
        await ctx.mcpReq.log("info", said);
        await Bun.sleep(20);
      }
      return { content: [text("logged")] };
    });
}

function addQuestions(server: McpServer): void {
  const done = { content: [text("Thank you.")] };
  const once = (name: string, key: string, question: () => ReturnType<typeof ask>) =>
    server.registerTool(name, { description: "Asks first." }, (ctx) =>
      answered(ctx, key) ? done : inputRequired({ inputRequests: { [key]: question() } }),
    );
  once("test_input_required_result_elicitation", "user_name", () => ask("What is your name?", "name"));
  once("test_input_required_result_sampling", "capital", () => sample("What is the capital of France?"));
  once("test_input_required_result_list_roots", "roots", () => inputRequired.listRoots());
  once("test_streaming_elicitation", "user_name", () => ask("What is your name?", "name"));
  for (const name of ["test_input_required_result_request_state", "test_input_required_result_tampered_state"])
    server.registerTool(name, { description: "Asks first, and remembers." }, async (ctx) =>
      answered(ctx, "confirm") && ctx.mcpReq.requestState()
        ? done
        : inputRequired({
            inputRequests: { confirm: ask("Go on?", "ok") },
            requestState: await codec.mint({ step: 1 }, ctx),
          }),
    );
  server.registerTool("test_input_required_result_multiple_inputs", { description: "Asks for much." }, async (ctx) =>
    ["name", "capital", "roots"].every((key) => answered(ctx, key))
      ? done
      : inputRequired({
          inputRequests: { name: ask("Name?", "name"), capital: sample("Capital?"), roots: inputRequired.listRoots() },
          requestState: await codec.mint({ step: 1 }, ctx),
        }),
  );
  server.registerTool("test_input_required_result_multi_round", { description: "Asks twice." }, async (ctx) => {
    const step = ctx.mcpReq.requestState<{ step: number }>()?.step ?? 0;
    if (step === 2) return done;
    const key = `step${step + 1}`;
    const question = step === 0 ? ask("Name?", "name") : ask("Color?", "color");
    const requestState = await codec.mint({ step: step + 1 }, ctx);
    return inputRequired({ inputRequests: { [key]: question }, requestState });
  });
  server.registerTool("test_input_required_result_capabilities", { description: "Asks what may be asked." }, () => {
    const able = server.server.getClientCapabilities() ?? {};
    return inputRequired({
      inputRequests: {
        ...(able.elicitation ? { name: ask("Name?", "name") } : {}),
        ...(able.sampling ? { capital: sample("Capital?") } : {}),
      },
    });
  });
  server.registerTool("test_missing_capability", { description: "Needs sampling." }, () => {
    if (server.server.getClientCapabilities()?.sampling) return done;
    return inputRequired({ inputRequests: { capital: sample("Capital?") } });
  });
}

function addResources(server: McpServer): void {
  const hints = { cacheHint: { ttlMs: 0, cacheScope: "private" as const } };
  server.registerResource("static text", "test://static-text", { mimeType: "text/plain", ...hints }, ({ href }) => ({
    contents: [{ uri: href, mimeType: "text/plain", text: "This is the content of the static text resource." }],
  }));
  server.registerResource("static binary", "test://static-binary", { mimeType: "image/png" }, ({ href }) => ({
    contents: [{ uri: href, mimeType: "image/png", blob: PIXEL }],
  }));
  server.registerResource("watched", WATCHED, { mimeType: "text/plain" }, ({ href }) => ({
    contents: [{ uri: href, mimeType: "text/plain", text: "Watched." }],
  }));
  server.registerResource(
    "template",
    new ResourceTemplate("test://template/{id}/data", { list: undefined }),
    { mimeType: "application/json" },
    ({ href }, { id }) => ({
      contents: [{ uri: href, mimeType: "application/json", text: JSON.stringify({ id, templateTest: true }) }],
    }),
  );
}

function addPrompts(server: McpServer): void {
  const user = <C>(content: C) => ({ role: "user" as const, content });
  server.registerPrompt("test_simple_prompt", { description: "Simple." }, () => ({
    messages: [user(text("This is a simple prompt for testing."))],
  }));
  server.registerPrompt(
    "test_prompt_with_arguments",
    {
      description: "With arguments.",
      argsSchema: z.object({ arg1: completable(z.string(), () => ["paris", "park"]), arg2: z.string() }),
    },
    ({ arg1, arg2 }) => ({ messages: [user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))] }),
  );
  server.registerPrompt(
    "test_prompt_with_embedded_resource",
    { description: "With a resource.", argsSchema: z.object({ resourceUri: z.string() }) },
    ({ resourceUri }) => ({ messages: [user(resource(resourceUri)), user(text("Please process the above."))] }),
  );
  server.registerPrompt("test_prompt_with_image", { description: "With an image." }, () => ({
    messages: [user(image), user(text("Please analyze the image above."))],
  }));
  server.registerPrompt("test_input_required_result_prompt", { description: "Asks first." }, (ctx) =>
    answered(ctx, "user_context")
      ? { messages: [user(text("With context."))] }
      : inputRequired({ inputRequests: { user_context: ask("What context should the prompt use?", "context") } }),
  );
}
