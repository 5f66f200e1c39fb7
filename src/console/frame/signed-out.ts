import { forgetDrafts } from "../ui/drafts.ts";
import { forgetRecent } from "./recent.ts";

/** Forgets what this browser kept of a person: unsent texts, and names of what was opened. */
export function forgetPerson(): void {
  forgetDrafts();
  forgetRecent();
}

/** Leads to the page of a browser that is not signed in. */
export function signedOut(): void {
  forgetPerson();
  location.assign("/");
}
