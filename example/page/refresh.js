// A client for sessionkit, written by hand and complete: what a page has to do
// so that its user stays signed in.
//
// The tokens themselves are in HttpOnly cookies, out of a script's reach. The
// page keeps three things in localStorage, which all tabs share:
//
//   marker       changes whenever new tokens arrive. A tab that sees another
//                marker than before its request knows that somebody refreshed.
//   anti-csrf    proves that a request was meant. It comes with new tokens.
//   front-token  who is signed in, until when, and the payload; for display.
//
// The rules that matter:
//
//   1. One refresh at a time, over all tabs. A refresh token that was replaced
//      and is used again looks like theft, and is treated like it.
//   2. The server's answer decides, never the page's clock: try, and refresh on
//      the session-expired status (401 unless configured otherwise).
//   3. Only a definite answer ends the session. After a 503 or a broken
//      connection everything is kept, for another try.

const keys = {
  marker: "sessionkit.marker",
  antiCSRF: "sessionkit.anti-csrf",
  front: "sessionkit.front-token",
};

// The marker when there is no session, as the server says it on the wire. No
// marker at all means that we don't know: browsers may drop what a page stored
// and keep its cookies.
const none = "remove";

// Every tab of this origin takes turns under this name.
const lockName = "sessionkit.tokens";

// How often one request is repeated after refreshes. Tabs that sign in and out
// at the same time may need a second round; a server that refuses its own new
// tokens must not be asked for ever.
const maxRounds = 3;

/**
 * Makes a client for the API of one origin.
 *
 * @param {object} options
 * @param {string} options.api origin of the API; the page's own by default
 * @param {string} options.refreshPath Config.Cookie.RefreshPath of the server
 * @param {string} options.signOutPath Config.Cookie.SignOutPath
 * @param {number} options.expiredStatus Config.SessionExpiredStatus
 * @param {() => void} options.onChange called when the session may have
 *   begun, changed or ended, in this tab or another one
 * @param {(answer: {method: string, path: string, response: Response}) => void}
 *   options.onAnswer is shown every answer, silent refreshes included
 */
export function createSession({
  api = location.origin,
  refreshPath = "/auth/session/refresh",
  signOutPath = "/auth/signout",
  expiredStatus = 401,
  onChange = () => {},
  onAnswer = () => {},
} = {}) {
  if (!navigator.locks) {
    // Without taking turns, two tabs could look like theft. Better no session.
    throw new Error("navigator.locks is missing: use HTTPS or localhost, and a browser of 2022 or later");
  }

  const marker = () => localStorage.getItem(keys.marker);
  const exclusively = (work) => navigator.locks.request(lockName, work);

  // send makes one request and takes in what the answer says about the session.
  async function send(path, init = {}) {
    const url = new URL(path, api);
    if (url.origin !== new URL(api).origin) {
      throw new Error(`${url.origin} is not the API: it must not get the anti-CSRF token`);
    }
    const before = marker();
    const headers = new Headers(init.headers);
    const antiCSRF = localStorage.getItem(keys.antiCSRF);
    if (antiCSRF) headers.set("anti-csrf", antiCSRF);

    const response = await fetch(url, { ...init, headers, credentials: "include" });
    take(response.headers, before);
    onAnswer({ method: init.method ?? "GET", path: url.pathname + url.search, response });
    return response;
  }

  // take keeps what an answer brought. before is the marker at the time when
  // the request was sent: answers may overtake each other, and an old one must
  // not undo a newer one.
  function take(headers, before) {
    const idRefresh = headers.get("id-refresh-token"); // "<id>;<expiry in ms>"
    const front = headers.get("front-token");
    const antiCSRF = headers.get("anti-csrf");

    // Servers set to PresetModern say so only to clients that send st-auth-mode;
    // there the next refresh finds out.
    if (idRefresh === none || front === none) {
      if (marker() === before) forget();
      return;
    }
    // These two come with new tokens only, at sign-in and refresh. A front token
    // alone means a new payload, or an access token replaced by an equal one.
    const isNew = idRefresh !== null || antiCSRF !== null;
    if (front === null && !isNew || !isNew && marker() !== before) return;

    if (front !== null) localStorage.setItem(keys.front, front);
    if (antiCSRF !== null) localStorage.setItem(keys.antiCSRF, antiCSRF);
    // The marker last: who sees the new one finds the rest in place. Where the
    // server is set to send no id, any value that differs will do.
    if (isNew) localStorage.setItem(keys.marker, idRefresh?.split(";")[0] ?? crypto.randomUUID());
    onChange();
  }

  // forget drops everything: there is no session.
  function forget() {
    localStorage.removeItem(keys.antiCSRF);
    localStorage.removeItem(keys.front);
    localStorage.setItem(keys.marker, none);
    onChange();
  }

  // renew refreshes, unless somebody did since the marker was `before`. It
  // tells whether there is a session to go on with. Call it under the lock: the
  // marker must be looked at after waiting.
  //
  // Should this tab read a marker that is a moment old, it refreshes once too
  // often, with the newest cookie. That is no theft, only a request.
  async function renew(before) {
    if (marker() !== before) return marker() !== none;
    if (before === none) return false;
    const response = await send(refreshPath, { method: "POST" });
    if (response.status === expiredStatus) {
      forget(); // definite, whatever the headers say
      return false;
    }
    if (!response.ok) throw new RefreshError(response.status);
    return true;
  }

  return {
    /**
     * Does what window.fetch does, and refreshes silently where needed. A body
     * must be repeatable, so no stream. A request is repeated only after the
     * session-expired status, that is, when the server has not acted on it.
     *
     * @throws {RefreshError} when the server can't refresh at the moment
     */
    async fetch(path, init) {
      for (let round = 0; ; round++) {
        const before = marker();
        const response = await send(path, init);
        if (response.status !== expiredStatus || round === maxRounds) return response;
        if (!(await exclusively(() => renew(before)))) return response;
      }
    },

    /** Refreshes now, and tells whether there is a session. */
    refresh() {
      const before = marker();
      return exclusively(() => renew(before));
    },

    /**
     * Sends the request that signs in. It has its turn like a refresh: one that
     * is under way in another tab would overwrite the new cookies.
     */
    signIn(path, init) {
      return exclusively(() => send(path, init));
    },

    /** Ends this session. It has its turn for the same reason. */
    signOut() {
      return exclusively(async () => {
        const before = marker();
        let response = await send(signOutPath, { method: "POST" });
        if (response.status === expiredStatus && (await renew(before))) {
          response = await send(signOutPath, { method: "POST" });
        }
        // On any other status the session lives on: let the user try again.
        if (response.ok || response.status === expiredStatus) forget();
        return response;
      });
    },

    /** Whether there is a session: true, false, or undefined for unknown. */
    exists() {
      return marker() === null ? undefined : marker() !== none;
    },

    /**
     * Who is signed in, for display: {userId, expiresAt, payload}, with
     * expiresAt in Unix milliseconds of the server's clock, or null.
     */
    claims() {
      try {
        // Base64 of ASCII-only JSON: atob needs no decoding of UTF-8 after it.
        const { uid, ate, up } = JSON.parse(atob(localStorage.getItem(keys.front)));
        return { userId: uid, expiresAt: ate, payload: up };
      } catch {
        return null;
      }
    },

    /** Starts telling onChange of other tabs; returns what stops it. */
    watch() {
      const listener = (event) => {
        if (event.key === keys.marker || event.key === keys.front || event.key === null) onChange();
      };
      addEventListener("storage", listener);
      return () => removeEventListener("storage", listener);
    },
  };
}

/** The server could not refresh, which says nothing about the session. */
export class RefreshError extends Error {
  constructor(status) {
    super(`the refresh was answered with ${status}; try again`);
    this.name = "RefreshError";
    this.status = status;
  }
}
