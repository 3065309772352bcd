// The thief: a copy of the session, and two plays with it.
//
// The thief is a client on the server that holds a copy of this browser's
// cookies. Its requests are real ones, and so are the answers.

import { element } from "./timeline.js";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** How long one step is left to be read, in ms. */
const pace = 1900;

/**
 * @param {object} session the client of refresh.js
 * @param {(who: string, request: object) => void} log
 * @param {() => Promise<void>} poll fetches new events
 */
export function createThief(session, log, poll) {
  async function command(method, path) {
    const response = await fetch(path, { method });
    if (!response.ok) throw new Error((await response.json()).message);
    return response.status === 204 ? null : response.json();
  }

  async function act(what) {
    const outcome = await command("POST", `/demo/thief/${what}`);
    log("thief", { ...outcome, message: outcome.body?.message });
    await poll();
    return outcome.status;
  }

  return {
    /** Copies both cookies. The route lies below the refresh cookie's path. */
    async copy() {
      const response = await session.fetch("/auth/session/refresh/demo-copy", { method: "POST" });
      if (!response.ok) throw new Error("There is no session to copy.");
    },
    dismiss: () => command("DELETE", "/demo/thief"),
    read: () => act("read"),
    refresh: () => act("refresh"),
  };
}

const windowed = "Accepted: within the concurrent window this counts as a parallel tab.";

/** The steps of a play: [what is going on, what to do, what came of it]. */
function script(first, session, thief) {
  const ok = (status) => status < 400;
  let noticed = false;
  const you = {
    read: async () => (await session.fetch("/api/me")).status,
    refresh: async () => ((await session.refresh()) ? 200 : 401),
  };
  const copy = [
    "The thief copies both of your cookies.",
    async () => { await thief.copy(); return thief.read(); },
    () => "And reads your profile with them. Nothing tells the copy from the original.",
  ];
  const thiefMoves = [
    "The thief refreshes, and uses the new tokens.",
    async () => { await thief.refresh(); return thief.read(); },
    (s) => ok(s) ? "So your refresh token has been replaced, and you don't know." : "That was refused.",
  ];
  const youMove = [
    "You go on working: your browser refreshes, and uses the new tokens.",
    async () => { await you.refresh(); return you.read(); },
    (s) => ok(s) ? "So the thief's refresh token has been replaced." : "That was refused.",
  ];
  const youAreCaught = [
    "Your access token runs out, and your browser refreshes.",
    you.refresh,
    (s) => (noticed = !ok(s))
      ? "Noticed! Only one of two holders can have a replaced token. The session is ended for both, and the user is warned."
      : windowed,
  ];
  const thiefIsCaught = [
    "The thief refreshes with the token it copied.",
    thief.refresh,
    (s) => (noticed = !ok(s))
      ? "Noticed! That token had been replaced. The session is ended for both, and the user is warned."
      : windowed,
  ];
  const afterwards = [
    "The thief tries once more to refresh.",
    thief.refresh,
    (s) => ok(s) ? "It still works, until the window has passed and both have refreshed again." : "Refused. The copy cannot be prolonged any more.",
  ];
  const leftover = [
    "And the access token that the thief has left?",
    thief.read,
    (s) => !noticed ? "It works: nobody has noticed anything yet."
      : ok(s) ? "It works until it expires. A server that goes by revocations refuses it." : "Refused.",
  ];
  return first === "thief"
    ? [copy, thiefMoves, youAreCaught, afterwards, leftover]
    : [copy, youMove, thiefIsCaught, afterwards, leftover];
}

/** Plays the steps into list, one after the other. */
export async function play(first, session, thief, list) {
  list.replaceChildren();
  list.hidden = false;
  for (const [title, action, verdict] of script(first, session, thief)) {
    const item = element("li", "running");
    item.append(element("strong", "", title));
    list.append(item);
    item.scrollIntoView({ block: "nearest" });
    await pause(pace / 2);
    const status = await action();
    item.append(" ", element("span", "", verdict(status)));
    item.className = status < 400 ? "fine" : "refused";
    item.scrollIntoView({ block: "nearest" });
    await pause(pace);
  }
}
