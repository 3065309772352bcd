// What a page of an application does with a front end, the same for all of
// them. The tests call window.page; its answers are plain JSON.
import axios from "axios";

// rawFetch is the browser's own, before the front end puts itself in between.
const rawFetch = window.fetch.bind(window);

export function open(module, axiosModule) {
  const frontEnd = module.default ?? module;
  const config = window.pageConfig;
  const events = [];
  start(frontEnd, config, events);
  const client = axios.create();
  attachAxios(frontEnd, axiosModule?.default, client, config);

  const via = { fetch: viaFetch, xhr: viaXHR, axios: (request) => viaAxios(client, request), raw: viaRaw };
  const url = (path) => (config.api === location.origin ? path : config.api + path);
  const call = (request) => via[request.via ?? "fetch"]({ ...request, url: url(request.path) });

  window.page = {
    call,
    callAll: (requests) => Promise.all(requests.map(call)),
    state: () => state(frontEnd, events),
    refresh: () => frontEnd.attemptRefreshingSession(),
    signOut: () => outcome(frontEnd.signOut()),
    accessToken: () => frontEnd.getAccessToken(),
    claim: (id, value) => claim(module, id, value),
    invalidClaims: (body) => frontEnd.getInvalidClaimsFromResponse({ response: { data: JSON.parse(body) } }),
  };
}

function start(frontEnd, config, events) {
  const options = { sessionExpiredStatusCode: config.expiredStatus };
  if (config.refreshURL) {
    frontEnd.init({ ...options, refreshTokenUrl: config.refreshURL });
    return;
  }
  options.apiDomain = config.api;
  options.onHandleEvent = ({ action, sessionExpiredOrRevoked }) => events.push({ action, sessionExpiredOrRevoked });
  if (config.mode) {
    options.tokenTransferMethod = config.mode;
  }
  frontEnd.init(options);
}

// attachAxios does what each generation tells its users to. From 14 on axios is
// served through XMLHttpRequest, and that without being asked.
function attachAxios(frontEnd, axiosEntry, client, config) {
  if (axiosEntry) {
    axiosEntry.init({ refreshTokenUrl: config.refreshURL, sessionExpiredStatusCode: config.expiredStatus });
    axiosEntry.makeSuper(client);
  } else if (config.addAxiosInterceptors) {
    frontEnd.addAxiosInterceptors(client);
  }
}

async function viaFetch({ url, method, body, headers }) {
  return answer(fetch(url, { method, body, headers }));
}

// viaRaw is what a page without any front end sends, such as a forged form.
async function viaRaw({ url, method, body, headers }) {
  return answer(rawFetch(url, { method, body, headers, credentials: "include" }));
}

async function answer(promise) {
  try {
    return await read(await promise);
  } catch (thrown) {
    // Some front ends throw the refresh's response.
    return thrown instanceof Response ? { ...(await read(thrown)), thrown: true } : { error: String(thrown) };
  }
}

async function read(response) {
  return { status: response.status, body: await response.text() };
}

function viaXHR({ url, method, body, headers }) {
  return new Promise((resolve) => {
    const xhr = new XMLHttpRequest();
    xhr.open(method, url);
    for (const [name, value] of Object.entries(headers ?? {})) {
      xhr.setRequestHeader(name, value);
    }
    xhr.onload = () => resolve({ status: xhr.status, body: xhr.responseText });
    xhr.onerror = () => resolve({ error: "XMLHttpRequest: error event" });
    xhr.send(body);
  });
}

async function viaAxios(client, { url, method, body, headers }) {
  const asText = [(data) => data];
  try {
    const response = await client.request({ url, method, data: body, headers, transformResponse: asText });
    return { status: response.status, body: response.data };
  } catch (error) {
    return error.response ? { status: error.response.status, body: String(error.response.data ?? "") } : { error: String(error) };
  }
}

async function outcome(promise) {
  try {
    await promise;
    return "";
  } catch (error) {
    return error instanceof Response ? `Response ${error.status}` : String(error);
  }
}

async function state(frontEnd, events) {
  const exists = await frontEnd.doesSessionExist();
  const payload = frontEnd.getAccessTokenPayloadSecurely ?? frontEnd.getJWTPayloadSecurely;
  const knows = exists && frontEnd.getUserId !== undefined;
  return {
    exists,
    userId: knows ? await frontEnd.getUserId() : "",
    payload: knows ? await payload() : null,
    events: events.splice(0),
    cookies: document.cookie.split("; ").map((pair) => pair.split("=")[0]),
  };
}

// claim asks the front end itself about a claim: its value, and what its own
// validator says of the wanted one.
async function claim({ PrimitiveClaim, getClaimValue, validateClaims }, id, wanted) {
  const primitive = new PrimitiveClaim({ id, refresh: async () => {}, defaultMaxAgeInSeconds: 600 });
  const value = await getClaimValue({ claim: primitive });
  const failures = await validateClaims(() => [primitive.validators.hasValue(wanted)]);
  // Before 19 the front end's own failures say validatorId.
  return { value: value ?? null, failures: failures.map(({ id, validatorId, reason }) => ({ id: id ?? validatorId, reason })) };
}
