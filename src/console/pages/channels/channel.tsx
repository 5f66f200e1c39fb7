import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { Channel } from "../../../protocol/channels.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { useBack } from "../../ui/back.ts";
import { Button } from "../../ui/button.tsx";
import { One } from "../../ui/one.tsx";
import { Page } from "../../ui/page.tsx";
import { SureButton } from "../../ui/sure.tsx";
import { TAB, Tabs } from "../../ui/tabs.tsx";
import { Bindings } from "./bindings.tsx";
import { Chats } from "./chats.tsx";
import { Guests } from "./guests.tsx";
import { accessText, channelState, DIRECTION } from "./words.ts";

const route = getRouteApi("/channels/$id");
const VIEWS = [
  [undefined, "Chats"],
  ["bindings", "Bindings"],
  ["guests", "Guests"],
] as const;

/** One chat account: its chats with where each goes, its bindings, and whom it hears. */
export function ChannelPage() {
  const { id } = route.useParams();
  const query = useQuery({
    queryKey: ["channels", "one", id],
    queryFn: ({ signal }) => api.channels.get(id, { signal }),
    // The lists tell no events of what an adapter says of itself.
    refetchInterval: 10_000,
  });
  useBack("/channels");
  return (
    <One query={query} what="channel">
      {(channel) => <View key={id} channel={channel} />}
    </One>
  );
}

function View({ channel }: { channel: Channel }) {
  const { show } = route.useSearch();
  const { id, name, provider, direction, topics, access, isDefault } = channel;
  const { word } = channelState(channel);
  const facts = [id, provider, DIRECTION[direction], accessText(channel), isDefault && "@default"];
  return (
    <Page
      title={visible(`${name} ${word}`)}
      facts={visible([...facts, topics.length > 0 && `takes ${topics.join(", ")}`].filter(Boolean).join(" · "))}
      actions={<Verbs channel={channel} />}
    >
      {access.warning && (
        <p className="mb-4 rounded-control bg-red-t px-3 py-2 text-red wrap-anywhere" role="note">
          {visible(access.warning)}
        </p>
      )}
      <Tabs label="Parts of the channel">
        {VIEWS.map(([view, its]) => (
          <Link
            key={its}
            to="/channels/$id"
            params={{ id }}
            search={{ show: view }}
            className={TAB}
            aria-current={show === view ? "page" : undefined}
          >
            {its}
          </Link>
        ))}
      </Tabs>
      {show === undefined && <Chats channel={channel} />}
      {show === "bindings" && <Bindings channel={channel} />}
      {show === "guests" && <Guests channel={channel} />}
    </Page>
  );
}

function Verbs({ channel: { id, access, isDefault } }: { channel: Channel }) {
  const { isOperator, name, role } = useWho();
  const cache = useQueryClient();
  const readAgain = () => cache.invalidateQueries({ queryKey: ["channels"] });
  const admit = useAct(async (mode: "open" | "listed") => {
    await api.channels.setAccess(id, mode);
    await readAgain();
    const back = () => api.channels.setAccess(id, "open").then(readAgain);
    return mode === "open" ? { said: "Everyone is heard" } : { said: "Its guests alone are heard", undo: back };
  });
  const choose = useAct(async () => {
    await (isDefault ? api.channels.unchoose(id) : api.channels.choose(id));
    await readAgain();
    return { said: isDefault ? "The oldest channel is @default again" : `${id} is @default` };
  });
  if (!isOperator) return <span className="text-small text-ink2">{`${name} is a ${role}: operators change it.`}</span>;
  return (
    <>
      <Button disabled={choose.isPending} onClick={() => choose.mutate(undefined)}>
        {isDefault ? "Not @default" : "Make it @default"}
      </Button>
      {access.mode === "open" ? (
        <Button disabled={admit.isPending} onClick={() => admit.mutate("listed")}>
          Hear guests alone
        </Button>
      ) : (
        <SureButton
          sure="Open it: whoever writes there is heard by its agents"
          disabled={admit.isPending}
          onClick={() => admit.mutate("open")}
        >
          Hear everyone
        </SureButton>
      )}
    </>
  );
}
