import * as bindings from "../protocol/bindings.ts";
import * as api from "../protocol/channels.ts";
import type { AgentId } from "../protocol/ids.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** The verbs on channels: accounts of chat platforms, who their conversations go to, what comes in and goes out. */
export function channelVerbs({ ask }: Caller) {
  return {
    list: (query: Query<typeof api.ChannelQuery> = {}, call?: Call) => ask(api.listChannels, { query }, call),

    get: (id: string, call?: Call): Promise<api.Channel> => ask(api.getChannel, { params: { id } }, call),

    /** Makes it `@default`. For operators, as all that sets something here. */
    choose: (id: string, call?: Call): Promise<api.Channel> => ask(api.chooseDefaultChannel, { params: { id } }, call),

    /** Lets the oldest channel be `@default` again. */
    unchoose: (id: string, call?: Call): Promise<api.Channel> =>
      ask(api.unchooseDefaultChannel, { params: { id } }, call),

    /** Of all channels, as far as the caller may see them. */
    bindings: (query: Query<typeof bindings.BindingQuery> = {}, call?: Call) =>
      ask(bindings.listBindings, { query }, call),

    /** Sends a conversation, or without one all of the channel, to a target. */
    bind: (id: string, body: bindings.BindingDraft, call?: Call): Promise<bindings.SetBinding> =>
      ask(bindings.setBinding, { params: { id }, body }, call),

    unbind: (id: AgentId, bindingId: string, call?: Call): Promise<void> =>
      ask(bindings.removeBinding, { params: { id, bindingId } }, call),

    /** Every binding that matches, those that count first, and what would become of an event. */
    route: (
      id: string,
      query: { conversation?: string; thread?: string } = {},
      call?: Call,
    ): Promise<bindings.RouteReport> => ask(bindings.explainRoute, { params: { id }, query }, call),

    /** What came in, newest first. */
    events: (id: string, query: Query<typeof api.EventQuery> = {}, call?: Call) =>
      ask(api.listEvents, { params: { id }, query }, call),

    /** Makes or changes a channel `webhook:<account>` that the relay itself runs; a new secret is in the answer, this once. */
    putWebhook: (id: string, body: api.WebhookChannelDraft, call?: Call): Promise<api.WebhookChannel> =>
      ask(api.putWebhookChannel, { params: { id }, body }, call),

    webhook: (id: string, call?: Call): Promise<api.WebhookChannel> =>
      ask(api.getWebhookChannel, { params: { id } }, call),

    /** For adapters: something came in. The external id makes it safe to report twice. */
    report: (id: string, body: api.ChannelEvent, call?: Call): Promise<api.EventAnswer> =>
      ask(api.reportEvent, { params: { id }, body }, call),

    /** For adapters: a part of a claimed message is about to be posted, or (with its external id) was. */
    notePost: (id: number, body: api.PostNote, call?: Call): Promise<api.PostedParts> =>
      ask(api.notePost, { params: { id }, body }, call),
  };
}
