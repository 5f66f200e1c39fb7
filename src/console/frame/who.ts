import { useQuery } from "@tanstack/react-query";
import { api } from "../api.ts";

/** The person who is signed in, and what they may do. */
export function useWho() {
  const { data } = useQuery({
    queryKey: ["who"],
    queryFn: ({ signal }) => api.whoami({ signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return {
    role: data?.role,
    tokenId: data?.tokenId,
    personId: data?.personId,
    name: data?.personId ?? data?.role ?? "",
    isOperator: data?.role === "operator",
    /** May send, answer and stop. */
    writes: data?.role === "operator" || data?.role === "member",
  };
}
