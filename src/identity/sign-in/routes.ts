import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/sign-in.ts";
import { type Route, route } from "../auth/route.ts";
import { clearCookie, hostOf, setCookie } from "./cookie.ts";
import type { SignInService } from "./service.ts";

/** Characters of a browser's own description that are kept to tell sign-ins apart. */
const DEVICE_LENGTH = 120;

/** Signing browsers in and out. */
export function signInRoutes({ write }: Db, signIns: SignInService, publicUrl: string | undefined): Route[] {
  return [
    route(api.createSignInLink, async ({ caller, body, request }) => {
      const base = publicUrl?.replace(/\/$/, "") ?? `${new URL(request.url).protocol}//${hostOf(request)}`;
      return { status: 201, body: await write((tx) => signIns.link(tx, caller, body, base)) };
    }),
    route(api.signIn, async ({ body, request }) => {
      // Refused before the code is used up.
      setCookie(request, "", 0);
      const { made, secret, seconds } = await write((tx) => signIns.signIn(tx, body.code, deviceOf(request)));
      return { status: 201, body: made, headers: { "set-cookie": setCookie(request, secret, seconds) } };
    }),
    route(api.signOut, async ({ caller, body, request }) => {
      const ended = await write((tx) => signIns.signOut(tx, caller, body.everywhere ?? false));
      const headers: Record<string, string> = ended.own ? { "set-cookie": clearCookie(request) } : {};
      return { status: 200, body: ended, headers };
    }),
  ];
}

const deviceOf = (request: Request): string =>
  (request.headers.get("user-agent") ?? "a browser").replace(/\p{Cc}/gu, " ").slice(0, DEVICE_LENGTH);
