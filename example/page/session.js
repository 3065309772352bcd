// The card of the signed-in user: who, until when, and where else.

import { element } from "./timeline.js";

const $ = (id) => document.getElementById(id);

/** Shows who is signed in, from the front token. */
export function showIdentity(claims) {
  $("who").textContent = claims.userId;
  $("avatar").textContent = [...claims.userId.trim()][0]?.toUpperCase() ?? "?";
  const payload = JSON.stringify(claims.payload);
  $("payload-line").hidden = payload === "{}";
  $("payload-text").textContent = payload;
}

/**
 * Shows how long the access token lives. total is its life in ms; the server
 * rounds the end up to a full second.
 */
export function showCountdown(expiresAt, total) {
  const left = Math.max(0, expiresAt - Date.now());
  const ring = $("countdown");
  ring.dataset.state = left === 0 ? "over" : left < total / 4 ? "low" : "good";
  $("ring").style.strokeDashoffset = String(1 - Math.min(1, left / total));
  const [number, unit] = left === 0 ? ["expired", "the next request refreshes it"] : inUnits(Math.min(left, total));
  $("seconds").textContent = number;
  $("seconds-label").textContent = unit;
}

function inUnits(ms) {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 100) return [String(seconds), seconds === 1 ? "second" : "seconds"];
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 100) return [String(minutes), "minutes"];
  return [String(Math.ceil(minutes / 60)), "hours"];
}

/** Lists the user's sessions, this one first; end is called with the handle to end. */
export function showDevices(sessions, ownHandle, end) {
  const n = sessions.length;
  $("device-count").textContent = n === 1 ? "signed in on this device only" : `signed in on ${n} devices`;
  const own = sessions.filter((s) => s.handle === ownHandle);
  const others = sessions.filter((s) => s.handle !== ownHandle);
  // The button that was pressed goes away with its session: keep the focus near.
  const focused = $("devices").contains(document.activeElement);
  $("devices").replaceChildren(...[...own, ...others].map((s) => deviceItem(s, s.handle === ownHandle, end)));
  if (focused) $("add-device").focus();
}

/** Turns the button off, with its reason, where the server would refuse. */
export function allowMoreDevices(allowed) {
  // Not disabled: then it could not be reached, nor its reason be heard.
  $("add-device").ariaDisabled = String(!allowed);
  $("add-device-why").hidden = allowed;
}

function deviceItem(session, own, end) {
  const item = document.createElement("li");
  const name = deviceName(session.userAgent);
  const text = element("div", "", "");
  text.append(element("strong", "", name));
  const since = new Date(session.createdAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
  text.append(element("span", "", own ? `this browser, since ${since}` : `since ${since}`));
  const button = element("button", "quiet", "Sign out");
  button.type = "button";
  button.setAttribute("aria-label", `Sign out ${name}${own ? ", this browser" : ""}`);
  button.addEventListener("click", () => end(session.handle));
  item.append(text, button);
  return item;
}

/** A rough name; a real product would not try to be clever here either. */
function deviceName(agent) {
  const browser = /Firefox/.test(agent) ? "Firefox" : /Edg\//.test(agent) ? "Edge"
    : /Chrome/.test(agent) ? "Chrome" : /Safari/.test(agent) ? "Safari" : agent.split("/")[0] || "Unknown";
  const system = [["iPhone", "iPhone"], ["Android", "Android"], ["Windows", "Windows"], ["Mac OS", "macOS"], ["Linux", "Linux"]]
    .find(([mark]) => agent.includes(mark))?.[1];
  return system ? `${browser} on ${system}` : browser;
}
