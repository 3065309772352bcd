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

/**
 * Lists the user's sessions, as devices.Mount answers them, this one first.
 * end(session) ends one, name(session, label) gives it a name.
 */
export function showDevices(sessions, actions) {
  const n = sessions.length;
  $("device-count").textContent = n === 1 ? "signed in on this device only" : `signed in on ${n} devices`;
  $("sign-out-others").disabled = n < 2;
  const inOrder = [...sessions.filter((s) => s.current), ...sessions.filter((s) => !s.current)];
  // What was pressed goes away with the old list, or with its session: keep the focus near.
  const focused = document.activeElement.closest("#devices li")?.dataset.id;
  $("devices").replaceChildren(...inOrder.map((s) => deviceItem(s, actions)));
  if (focused) ($("devices").querySelector(`[data-id="${CSS.escape(focused)}"] button`) ?? $("add-device")).focus();
}

/** Turns the button off, with its reason, where the server would refuse. */
export function allowMoreDevices(allowed) {
  // Not disabled: then it could not be reached, nor its reason be heard.
  $("add-device").ariaDisabled = String(!allowed);
  $("add-device-why").hidden = allowed;
}

function deviceItem(session, actions) {
  const item = document.createElement("li");
  item.dataset.id = session.id;
  // What a user typed is text, whatever it looks like: element writes textContent.
  const name = session.label || deviceName(session.device);
  const text = element("div", "", "");
  text.append(element("strong", "", name), element("span", "", deviceDetails(session)));
  const rename = quietButton("Rename", `Rename ${name}`, () => item.replaceChildren(nameForm(session, actions, again)));
  const end = quietButton("Sign out", `Sign out ${name}${session.current ? ", this browser" : ""}`, () => actions.end(session));
  const again = () => {
    item.replaceChildren(text, rename, end);
    rename.focus();
  };
  item.append(text, rename, end);
  return item;
}

function quietButton(text, label, press) {
  const button = element("button", "quiet", text);
  button.type = "button";
  button.setAttribute("aria-label", label);
  button.addEventListener("click", press);
  return button;
}

/** Asks for a name; cancelled is called when the user thinks better of it. */
function nameForm(session, actions, cancelled) {
  const form = element("form", "row", "");
  const input = element("input", "", "");
  input.value = session.label;
  input.maxLength = 64; // as the server has it
  input.placeholder = deviceName(session.device);
  input.autocomplete = "off";
  input.setAttribute("aria-label", `Name of ${input.placeholder}`);
  const save = element("button", "", "Save");
  form.append(input, save, quietButton("Cancel", "Cancel", cancelled));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    actions.name(session, input.value.trim());
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") cancelled();
  });
  queueMicrotask(() => input.focus()); // once it is on the page
  return form;
}

/** "Firefox on Linux", or as much of it as is known. */
function deviceName({ browser, os }) {
  return browser && os ? `${browser} on ${os}` : browser || os || "Unknown device";
}

const kinds = { desktop: "computer", mobile: "phone", tablet: "tablet", bot: "bot" };

function deviceDetails({ current, label, device, createdAt }) {
  const since = new Date(createdAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
  const what = label ? deviceName(device) : kinds[device.kind];
  return [current ? "this browser" : what, `since ${since}`].filter(Boolean).join(", ");
}
