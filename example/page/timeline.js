// The timeline: requests of both sides and events of the server, newest first.

const maxItems = 120;
const names = { you: "You", thief: "Thief", server: "Server" };

// What the events of package session mean, in words.
const meanings = {
  session_created: () => "A session was created.",
  session_refreshed: () => "New tokens were sent. The old refresh token stays good until they are used.",
  session_promoted: () => "The new tokens were used: from now on the old refresh token counts as replaced.",
  session_swapped: () => "Two refreshes within the window: taken for parallel tabs.",
  database_behind: () => "A token is ahead of the database, which has lost writes.",
  token_theft: (e) => `A refresh token was used that had been replaced (the one in its place was issued ${ago(e.sinceMs)} ago). The session is revoked, for both sides.`,
  theft_callback: (e) => `Theft callback: the application can now warn ${e.userId}.`,
  session_revoked: (e) => revocations[e.reason] ?? "A session was revoked.",
};

const revocations = {
  "sign-out": "The session was ended by signing out.",
  "revoke-all": "All sessions of the user, or all but one, were ended.",
  "new-login": "The session before this sign-in was ended.",
  application: "The session was ended from another device.",
};

/** How long ago, for people. */
export function ago(ms = 0) {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}

export function createTimeline(list, empty) {
  function add(who, at) {
    const item = document.createElement("li");
    item.dataset.who = who;
    const name = element("span", "name", names[who]);
    const time = element("time", "", new Date(at).toLocaleTimeString([], { hour12: false }));
    const text = element("p", "what");
    item.append(name, text, time);
    list.prepend(item);
    while (list.children.length > maxItems) list.lastChild.remove();
    empty.hidden = true;
    return { item, text };
  }

  return {
    /** Adds a request, and the server's word on it where there is one. */
    request(who, { method, path, status, message }) {
      const { item, text } = add(who, Date.now());
      const code = element("code", "", `${method} ${path}`);
      const badge = element("span", "status", String(status));
      badge.dataset.ok = String(status < 400);
      text.append(code, " ", badge);
      if (message && status >= 400) item.append(element("p", "note", message));
    },
    /** Adds an event of the feed. */
    event(e) {
      const { item, text } = add("server", e.at);
      const meaning = meanings[e.kind];
      text.append(meaning ? meaning(e) : e.kind);
      if (e.kind === "token_theft" || e.kind === "theft_callback") item.dataset.alarm = "";
    },
    clear() {
      list.replaceChildren();
      empty.hidden = false;
    },
  };
}

/** Makes an element with text; text is never taken for markup. */
export function element(tag, className, text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.textContent = text;
  return node;
}
