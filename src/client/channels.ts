import { type BindingDraft, BindingList, type BindingQuery, RouteReport, SetBinding } from "../protocol/bindings.ts";
import {
  Channel,
  type ChannelEvent,
  ChannelList,
  type ChannelQuery,
  EventAnswer,
  EventList,
  type EventQuery,
  PostedParts,
  type PostNote,
  WebhookChannel,
  type WebhookChannelDraft,
} from "../protocol/channels.ts";
import type { AgentId } from "../protocol/ids.ts";
import { type Caller, Nothing, part, type Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** The verbs on channels: accounts of chat platforms, who their conversations go to, what comes in and goes out. */
export function channelVerbs({ ask }: Caller) {
  const at = (id: string, rest = "") => `/v1/channels/${part(id)}${rest}`;

  return {
    list(query: Query<typeof ChannelQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: "/v1/channels", query, answer: ChannelList, repeatable: true }, call);
    },

    get(id: string, call?: Call): Promise<Channel> {
      return ask({ method: "GET", path: at(id), answer: Channel, repeatable: true }, call);
    },

    /** Makes it `@default`. For operators, as all that sets something here. */
    choose(id: string, call?: Call): Promise<Channel> {
      return ask({ method: "PUT", path: at(id, "/default"), answer: Channel, repeatable: true }, call);
    },

    /** Lets the oldest channel be `@default` again. */
    unchoose(id: string, call?: Call): Promise<Channel> {
      return ask({ method: "DELETE", path: at(id, "/default"), answer: Channel, repeatable: true }, call);
    },

    /** Of all channels, as far as the caller may see them. */
    bindings(query: Query<typeof BindingQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: "/v1/bindings", query, answer: BindingList, repeatable: true }, call);
    },

    /** Sends a conversation, or without one all of the channel, to a target. */
    bind(id: string, binding: BindingDraft, call?: Call): Promise<SetBinding> {
      return ask(
        { method: "PUT", path: at(id, "/bindings"), body: binding, answer: SetBinding, repeatable: true },
        call,
      );
    },

    async unbind(id: AgentId, bindingId: string, call?: Call): Promise<void> {
      await ask({ method: "DELETE", path: at(id, `/bindings/${part(bindingId)}`), answer: Nothing }, call);
    },

    /** Every binding that matches, those that count first, and what would become of an event. */
    route(id: string, place: { conversation?: string; thread?: string } = {}, call?: Call): Promise<RouteReport> {
      return ask({ method: "GET", path: at(id, "/route"), query: place, answer: RouteReport, repeatable: true }, call);
    },

    /** What came in, newest first. */
    events(id: string, query: Query<typeof EventQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: at(id, "/events"), query, answer: EventList, repeatable: true }, call);
    },

    /** Makes or changes a channel `webhook:<account>` that the relay itself runs; a new secret is in the answer, this once. */
    putWebhook(id: string, draft: WebhookChannelDraft, call?: Call): Promise<WebhookChannel> {
      return ask({ method: "PUT", path: at(id, "/webhook"), body: draft, answer: WebhookChannel }, call);
    },

    webhook(id: string, call?: Call): Promise<WebhookChannel> {
      return ask({ method: "GET", path: at(id, "/webhook"), answer: WebhookChannel, repeatable: true }, call);
    },

    /** For adapters: something came in. The external id makes it safe to report twice. */
    report(id: string, event: ChannelEvent, call?: Call): Promise<EventAnswer> {
      return ask({ method: "POST", path: at(id, "/events"), body: event, answer: EventAnswer, repeatable: true }, call);
    },

    /** For adapters: a part of a claimed message is about to be posted, or (with its external id) was. */
    notePost(messageId: number, note: PostNote, call?: Call): Promise<PostedParts> {
      const path = `/v1/messages/${part(messageId)}/posts`;
      return ask({ method: "POST", path, body: note, answer: PostedParts, repeatable: true }, call);
    },
  };
}
