import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { AgentPath } from "./agents.ts";
import { contracts, paged } from "./contract.ts";
import { distinct } from "./distinct.ts";
import { NAMED, named, object, strictObject } from "./shape.ts";
import { Bool, Int, line, listOf, PageQuery, Str, StrOrNull, TimeOrNull } from "./wire.ts";

const MAX_MODELS = 500;

const ModelId = line(256).describe("As the agent calls it: claude-sonnet-4-5, ollama/llama3:8b.");

/** One model that an agent can be told to use. */
export const ModelReport = strictObject(() => ({
  id: ModelId,
  name: line(256),
  provider: line(128).optional(),
}));

/** `PUT /v1/agents/{id}/models`. */
export const ModelsReport = strictObject(() => ({
  items: z.array(ModelReport).max(MAX_MODELS),
  default: ModelId.nullish().describe("Id of the model in `items` that the agent uses when none is named."),
}))
  .superRefine(({ items, default: preferred }, ctx) => {
    distinct(items, ctx);
    if (preferred != null && !items.some(({ id }) => id === preferred))
      ctx.addIssue({ code: "custom", path: ["default"], message: "is not the id of one of the items" });
  })
  .register(NAMED, { id: "ModelsReport" });
export type ModelsReport = z.input<typeof ModelsReport>;
export type ParsedModelsReport = z.output<typeof ModelsReport>;

/** Answer to `PUT /v1/agents/{id}/models`. */
export const AgentModels = named("AgentModels", "The models that one agent has.", () => ({
  agentId: Str,
  items: z.array(object(() => ({ id: Str, name: Str, provider: StrOrNull }))),
  default: StrOrNull,
  updatedAt: TimeOrNull.describe("When the agent last told something different; null when it never had a model."),
}));
export type AgentModels = z.infer<typeof AgentModels>;

/** One agent that has a model. */
const ModelHolder = object(() => ({
  agentId: Str,
  name: Str.describe("Name and provider as this agent tells them."),
  provider: StrOrNull,
  isDefault: Bool.describe("True when the agent uses it unless another is named."),
})).register(NAMED, { id: "ModelHolder" });

export const Model = named("Model", "One model, and the agents that have it.", () => ({
  id: Str,
  name: Str.describe("Name and provider as the first of the agents tells them."),
  provider: StrOrNull,
  agents: z.array(ModelHolder).describe("By id, at most 100."),
  agentCount: Int.describe("Number of agents that have it; at most 1,000 are counted."),
}));
export type Model = z.infer<typeof Model>;

export const ModelQuery = strictObject(() => ({
  agent: AgentId.optional().describe("Models of this agent alone."),
  ...PageQuery,
  page: ModelId.optional(),
}));
export const ModelList = listOf(Model).register(NAMED, { id: "ModelList" });

const contract = contracts("Models");

export const putModels = contract("putModels", "PUT /v1/agents/{id}/models", {
  summary: "Set the models of an agent",
  description: "The list takes the place of the agent's former one, and of no other agent's.",
  params: AgentPath,
  body: ModelsReport,
  example: {
    items: [{ id: "claude-sonnet-4-5", name: "Claude Sonnet 4.5", provider: "anthropic" }],
    default: "claude-sonnet-4-5",
  },
  repeatable: true,
  answers: { 200: { description: "The models of the agent.", schema: AgentModels } },
  problems: ["forbidden", "not-found", "gone", "superseded", "unknown-instance"],
});

export const listModels = contract("listModels", "GET /v1/models", {
  ...paged(ModelQuery, ModelList, "A page, by id."),
  summary: "List the models of all agents, with the agents that have each",
  problems: ["forbidden", "superseded", "unknown-instance"],
});
