import { useQuery } from "@tanstack/react-query";
import { api } from "../api.ts";

/** Things that wait for a person, most held up first. */
export const useAttention = () =>
  useQuery({ queryKey: ["attention"], queryFn: ({ signal }) => api.attention.list({}, { signal }) });
