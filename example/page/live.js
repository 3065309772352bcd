// A WebSocket that lives as long as the session, not as long as an access token.

/** What the server closes it with when the session has ended; see live.go. */
const sessionEnded = 4401;

/** Keeps one socket open for whoever is signed in, and says in line how it does. */
export function createLive(line, onEnded) {
  let socket = null;
  let user = null;
  let pause = null;

  const show = (state, text) => {
    line.dataset.state = state;
    line.textContent = text;
  };

  function open() {
    const mine = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/api/live`);
    socket = mine;
    mine.addEventListener("open", () => show("open", "live: the socket is open"));
    mine.addEventListener("close", ({ code }) => {
      if (socket !== mine) return; // it was closed from here
      socket = null;
      if (code === sessionEnded) {
        show("ended", "live: closed, the session has ended");
        onEnded();
        return;
      }
      // The server went away, or the token has to be refreshed first.
      show("off", "live: not connected");
      pause = setTimeout(() => { if (user !== null && socket === null) open(); }, 2000);
    });
  }

  /** Follows the session of a user; null is nobody. */
  function follow(whose) {
    if (whose === user) return;
    user = whose;
    clearTimeout(pause);
    const old = socket;
    socket = null;
    old?.close();
    if (user !== null) open();
    else if (line.dataset.state !== "ended") show("off", "");
  }

  return { follow };
}
