import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RelayProblem } from "../client/errors.ts";
import { api } from "./api.ts";
import { startDensity } from "./frame/density.ts";
import { SignIn } from "./frame/sign-in.tsx";
import { startTheme } from "./frame/theme.ts";
import { router } from "./router.tsx";
import { Failure, Loading } from "./ui/notes.tsx";

startTheme();
startDensity();
const cache = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 30_000 } } });

/** The pages, for a browser that is signed in. */
function Console() {
  const who = useQuery({
    queryKey: ["who"],
    queryFn: ({ signal }) => api.whoami({ signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (who.error instanceof RelayProblem && who.error.status === 401) return <SignIn />;
  if (who.error && !who.data) return <Failure error={who.error} retry={() => void who.refetch()} />;
  return who.data ? <RouterProvider router={router} /> : <Loading what="the console" />;
}

const place = document.getElementById("root");
if (place)
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={cache}>
        <Console />
      </QueryClientProvider>
    </StrictMode>,
  );
