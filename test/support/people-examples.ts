import type { Example } from "./examples.ts";
import type { World } from "./world.ts";

const byOperator = (more: Omit<Example, "who"> = {}): Example => ({ who: "operator", ...more });

async function person(world: World): Promise<string> {
  const id = world.fresh("person-");
  await world.ask("PUT", `/v1/people/${id}`, { name: id, role: "member" });
  return id;
}

/** Examples of the operations on people. */
export const PEOPLE_EXAMPLES: Record<string, (world: World) => Promise<Example> | Example> = {
  putPerson: async (world) =>
    byOperator({
      path: { id: world.fresh("person-") },
      body: {
        ...{ name: "Ada", role: "member", ladder: [await person(world)] },
        notify: [{ channelId: "telegram:main", conversationId: "7", threadId: "2" }, "push"],
        quietHours: { from: "22:00", to: "07:00", timezone: "Europe/Berlin" },
        senders: [{ channelId: "telegram:main", senderId: world.fresh("u") }],
      },
    }),
  listPeople: () => ({ who: "viewer", query: { limit: "5" } }),
  getPerson: async (world) => byOperator({ path: { id: await person(world) } }),
  deletePerson: async (world) => byOperator({ path: { id: await person(world) } }),
};
