import * as bindings from "../protocol/bindings.ts";
import * as api from "../protocol/channels.ts";
import * as guests from "../protocol/guests.ts";
import type { AgentId } from "../protocol/ids.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on channels: accounts of chat platforms, bindings of their conversations, events and posts. */
export const channelVerbs = ({ ask }: Caller) => ({
  list: (query: Query<typeof api.ChannelQuery> = {}, call?: Call) => ask(api.listChannels, { query }, call),

  get: (id: string, call?: Call): Promise<api.Channel> => ask(api.getChannel, { params: { id } }, call),

  /** Makes a channel `@default`. For operators, like every change of a channel. */
  choose: (id: string, call?: Call): Promise<api.Channel> => ask(api.chooseDefaultChannel, { params: { id } }, call),

  /** Makes the oldest channel `@default` again. */
  unchoose: (id: string, call?: Call): Promise<api.Channel> =>
    ask(api.unchooseDefaultChannel, { params: { id } }, call),

  /** Lets everyone into a channel, or its guests alone. */
  setAccess: (id: string, mode: api.ChannelAccess, call?: Call): Promise<api.Channel> =>
    ask(guests.setAccess, { params: { id }, body: { mode } }, call),

  /** Guests of a channel, oldest first. */
  guests: (id: string, query: Query<typeof guests.GuestQuery> = {}, call?: Call) =>
    ask(guests.listGuests, { params: { id }, query }, call),

  /** Adds a guest, or changes the one of the same chat and account. */
  addGuest: (id: string, body: guests.GuestDraft, call?: Call): Promise<guests.Guest> =>
    ask(guests.addGuest, { params: { id }, body }, call),

  removeGuest: (id: AgentId, guestId: string, call?: Call): Promise<void> =>
    ask(guests.removeGuest, { params: { id, guestId } }, call),

  /** Bindings of all channels that the caller may see. */
  bindings: (query: Query<typeof bindings.BindingQuery> = {}, call?: Call) =>
    ask(bindings.listBindings, { query }, call),

  /** Binds a conversation, or the whole channel, to a target. */
  bind: (id: string, body: bindings.BindingDraft, call?: Call): Promise<bindings.SetBinding> =>
    ask(bindings.setBinding, { params: { id }, body }, call),

  unbind: (id: AgentId, bindingId: string, call?: Call): Promise<void> =>
    ask(bindings.removeBinding, { params: { id, bindingId } }, call),

  /** Matching bindings in the order that they count, and the target of an event. */
  route: (
    id: string,
    query: { conversation?: string; thread?: string } = {},
    call?: Call,
  ): Promise<bindings.RouteReport> => ask(bindings.explainRoute, { params: { id }, query }, call),

  /** Events of a channel, newest first. */
  events: (id: string, query: Query<typeof api.EventQuery> = {}, call?: Call) =>
    ask(api.listEvents, { params: { id }, query }, call),

  /** Makes or changes a channel `webhook:<account>` that the relay itself runs. The answer shows a new secret once. */
  putWebhook: (id: string, body: api.WebhookChannelDraft, call?: Call): Promise<api.WebhookChannel> =>
    ask(api.putWebhookChannel, { params: { id }, body }, call),

  webhook: (id: string, call?: Call): Promise<api.WebhookChannel> =>
    ask(api.getWebhookChannel, { params: { id } }, call),

  /** For adapters: reports an event. The external id makes a repeat safe. */
  report: (id: string, body: api.ChannelEvent, call?: Call): Promise<api.EventAnswer> =>
    ask(api.reportEvent, { params: { id }, body }, call),

  /** For adapters: notes that a part of a claimed message will be posted, or (with its external id) was. */
  notePost: (id: number, body: api.PostNote, call?: Call): Promise<api.PostedParts> =>
    ask(api.notePost, { params: { id }, body }, call),
});
