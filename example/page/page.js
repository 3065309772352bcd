// The page: connects what one sees with the client in refresh.js.

import { createSession } from "./refresh.js";
import { allowMoreDevices, showCountdown, showDevices, showIdentity } from "./session.js";
import { createLive } from "./live.js";
import { createThief, play } from "./theft.js";
import { ago, createTimeline } from "./timeline.js";

const $ = (id) => document.getElementById(id);
const timeline = createTimeline($("timeline"), $("empty"));

// What the server says about itself, in attributes of the html element.
const settings = document.documentElement.dataset;
const life = Number(settings.accessValidity); // of an access token, in ms
const maxDevices = Number(settings.maxDevices);

const session = createSession({
  expiredStatus: Number(settings.expiredStatus),
  onChange: () => render(),
  onAnswer: logAnswer,
});
const live = createLive($("live"), endedElsewhere);
const thief = createThief(session, timeline.request, poll);

let started = false; // whether it is known if there is a session
let thiefAtWork = false;
let playing = false;

// --- showing -------------------------------------------------------------

async function logAnswer({ method, path, response }) {
  const status = response.status;
  let message;
  if (status >= 400) {
    message = await response.clone().json().then((body) => body.message, () => "");
  }
  timeline.request("you", { method, path, status, message });
}

function render() {
  const claims = session.claims();
  const signedIn = session.exists() === true && claims !== null;
  $("signed-in").hidden = !signedIn;
  $("signed-out").hidden = signedIn || !started;
  if (signedIn) {
    showIdentity(claims);
    showCountdown(claims.expiresAt, life);
  }
  live.follow(signedIn && settings.live === "true" ? claims.userId : null);
  renderThief(signedIn);
}

function renderThief(signedIn) {
  // The steps of a play are read out already.
  $("log").ariaLive = playing ? "off" : "polite";
  $("thief-switch").ariaChecked = String(thiefAtWork);
  $("thief-switch").disabled = playing || (!thiefAtWork && !signedIn);
  $("thief-actions").hidden = !thiefAtWork || playing;
  for (const id of ["act-thief", "act-you"]) $(id).disabled = playing || !signedIn;
  $("thief-state").textContent = thiefAtWork
    ? "Holds a copy of your cookies and sends requests of its own."
    : signedIn ? "Switch it on, and it copies your session." : "Sign in first: there is nothing to steal yet.";
}

async function loadDevices() {
  const list = await session.fetch("/auth/sessions");
  if (!list.ok) return;
  const { sessions } = await list.json();
  showDevices(sessions, { end: endDevice, name: nameDevice });
  allowMoreDevices(sessions.length < maxDevices);
}

async function loadNote() {
  const response = await session.fetch("/api/data");
  if (response.ok) $("note").value = (await response.json())?.note ?? "";
}

function banner(title, text) {
  $("banner-title").textContent = title;
  $("banner-text").textContent = text;
  $("banner").hidden = false;
}

// --- the feed of events --------------------------------------------------

let lastEvent = null; // nothing shown yet
let polling = null;
let cookies = false; // whether the browser sends the cookies of a session

/** Fetches new events; calls at the same time share one request. */
function poll() {
  polling ??= fetchEvents().finally(() => { polling = null; });
  return polling;
}

async function fetchEvents() {
  const response = await fetch(`/demo/events?after=${lastEvent ?? 0}`);
  if (!response.ok) return;
  const { events, last, ...rest } = await response.json();
  cookies = rest.cookies;
  const first = lastEvent === null;
  // A smaller number means a server that was started anew: begin anew, too.
  lastEvent = last;
  if (first) return; // what happened before this page was opened
  for (const event of events) {
    timeline.event(event);
    if (event.kind === "token_theft") noticed(event);
  }
  // Nobody told this browser if it was the thief who was caught: ask.
  if (!playing && events.some((event) => event.kind === "token_theft")) await session.refresh();
}

/** The server closed the socket, as the session is over: the tokens are worthless. */
async function endedElsewhere() {
  if (playing || session.exists() === false) return; // it was this page
  await session.refresh();
  await poll(); // a theft has a text of its own
  if (session.exists() === false && $("banner").hidden) {
    banner("Signed out elsewhere", "Another device ended this session, and the socket closed by itself.");
  }
}

function noticed(event) {
  banner("Theft noticed", `Somebody used a refresh token that had been replaced (its successor was issued ${ago(event.sinceMs)} earlier). ` +
    "Two parties held the same session, so it was ended for both. Sign in again: the copy can't be prolonged any more.");
}

// --- acting --------------------------------------------------------------

/** Runs a handler; what goes wrong is shown and not lost. */
function guarded(work) {
  return async (event) => {
    event?.preventDefault();
    try {
      await work(event);
    } catch (error) {
      banner("That didn't work", error.message);
    }
    await poll().catch(() => {});
    render();
  };
}

const on = (id, type, work) => $(id).addEventListener(type, guarded(work));

on("sign-in", "submit", async () => {
  const problem = $("sign-in-problem");
  problem.hidden = true;
  const body = { userId: $("user-id").value };
  const payload = $("payload").value.trim();
  try {
    if (payload) body.payload = JSON.parse(payload);
  } catch {
    problem.textContent = "The payload is not JSON.";
    problem.hidden = false;
    return;
  }
  const response = await session.signIn("/api/login", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) {
    problem.textContent = (await response.json()).message;
    problem.hidden = false;
    return;
  }
  $("banner").hidden = true;
  $("who").focus(); // the form is gone
  await Promise.all([loadDevices(), loadNote()]);
});

on("refresh", "click", () => session.refresh());
on("read", "click", () => session.fetch("/api/me"));
on("sign-out", "click", () => session.signOut());
on("sign-out-everywhere", "click", async () => {
  await session.fetch("/api/logout-everywhere", { method: "POST" });
  await session.refresh(); // costs a request only where the answer did not say that it is over
});

on("add-device", "click", async () => {
  if ($("add-device").ariaDisabled === "true") return;
  const response = await session.fetch("/demo/device", { method: "POST" });
  // 409: another tab has filled the list. Loading it shows why.
  if (!response.ok && ![401, 409].includes(response.status)) throw new Error((await response.json()).message);
  await loadDevices();
});

on("sign-out-others", "click", async () => {
  await session.fetch("/auth/sessions/revoke-others", { method: "POST" });
  await loadDevices();
});

const endDevice = ({ id, current }) => guarded(async () => {
  await session.fetch(`/auth/sessions/${encodeURIComponent(id)}`, { method: "DELETE" });
  if (current) await session.refresh();
  else await loadDevices();
})();

const nameDevice = ({ id }, label) => guarded(async () => {
  const response = await session.fetch(`/auth/sessions/${encodeURIComponent(id)}`, {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ label }),
  });
  if (response.status === 400) throw new Error((await response.json()).message);
  await loadDevices(); // 404: it was signed out meanwhile, and the list shows that
})();

on("note-form", "submit", () => session.fetch("/api/data", {
  method: "PUT",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ note: $("note").value }),
}));

on("thief-switch", "click", async () => {
  await (thiefAtWork ? thief.dismiss() : thief.copy());
  thiefAtWork = !thiefAtWork;
});
on("thief-read", "click", () => thief.read());
on("thief-refresh", "click", () => thief.refresh());

for (const [id, first] of [["act-thief", "thief"], ["act-you", "you"]]) {
  on(id, "click", async () => {
    thiefAtWork = playing = true;
    render();
    try {
      await play(first, session, thief, $("steps"));
    } finally {
      await thief.dismiss();
      thiefAtWork = playing = false;
      await session.refresh(); // is there still a session?
    }
  });
}

on("clear", "click", () => timeline.clear());
on("banner-close", "click", () => {
  $("banner").hidden = true;
  $("main").focus();
});

// --- beginning -----------------------------------------------------------

session.watch();
setInterval(() => {
  const claims = session.claims();
  if (claims && session.exists()) showCountdown(claims.expiresAt, life);
}, 250);
setInterval(() => {
  if (document.visibilityState === "visible") poll().catch(() => {});
}, 1500);

await guarded(async () => {
  try {
    await poll();
    // Whoever doesn't know asks: a refresh finds a session whose cookies are left.
    if (session.exists() === undefined && cookies) await session.refresh();
  } finally {
    started = true;
  }
  if (session.exists()) await Promise.all([loadDevices(), loadNote()]);
})();
