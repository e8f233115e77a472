// Requests to the API that serves this page, with the key if there is one, and its problems as errors.

const KEY = "soundalike-key";
const KIND = /^urn:soundalike:problem:/;
const listeners = new Set();
const requirementListeners = new Set();

/** A refusal or failure of the API (RFC 9457); `status` is 0 where it did not answer at all. */
export class ApiError extends Error {
  constructor(status, problem, retryAfterS = null) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.status = status;
    this.problem = problem;
    this.retryAfterS = retryAfterS;
  }

  /** The kind of the problem, such as `unknown-track`, or an empty text. */
  get kind() {
    const type = String(this.problem.type ?? "");
    return KIND.test(type) ? type.replace(KIND, "") : "";
  }
}

/** Return the key that a person entered in this tab, or null. */
export const apiKey = () => sessionStorage.getItem(KEY);

/** Keep a key for this tab, or forget it with null. */
export function setApiKey(key) {
  if (key === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, key);
  for (const listener of listeners) listener();
}

/** Call a function whenever the key changes. */
export function onApiKeyChange(listener) {
  listeners.add(listener);
}

/** Call a function whenever the API asks for a key, with its error. */
export function onKeyRequirement(listener) {
  requirementListeners.add(listener);
}

/** Request an address and return the response; raises `ApiError`. `signal` cancels it. */
export async function request(path, { method = "GET", body, headers = {}, signal } = {}) {
  const response = await send(path, { method, body, signal, headers: { ...usualHeaders(), ...headers } });
  if (response.ok) return response;
  throw refusal(response.status, await response.text(), response.headers.get("Retry-After"));
}

/** Request an address and return its JSON. */
export async function requestJson(path, options) {
  return (await request(path, options)).json();
}

/** Send an object as JSON and return the JSON of the answer. */
export async function sendJson(path, content, { method = "POST", signal } = {}) {
  return requestJson(path, {
    method,
    body: JSON.stringify(content),
    headers: { "Content-Type": "application/json" },
    signal,
  });
}

/**
 * Send a file and return the text of the answer; raises `ApiError`.
 *
 * `onProgress` is called with the part that has arrived, 0 to 1: the one thing for which `fetch` has no way.
 */
export function sendFile(path, file, { headers = {}, onProgress = () => {}, signal } = {}) {
  return new Promise((resolve, reject) => {
    const exchange = new XMLHttpRequest();
    exchange.open("POST", path);
    for (const [name, value] of Object.entries({ ...usualHeaders(), ...headers })) exchange.setRequestHeader(name, value);
    exchange.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    exchange.upload.onload = () => onProgress(1);
    exchange.onload = () => {
      if (exchange.status >= 200 && exchange.status < 300) resolve(exchange.responseText);
      else reject(refusal(exchange.status, exchange.responseText, exchange.getResponseHeader("Retry-After")));
    };
    exchange.onerror = () => reject(new ApiError(0, {}));
    exchange.onabort = () => reject(new DOMException("The upload was stopped", "AbortError"));
    signal?.addEventListener("abort", () => exchange.abort());
    exchange.send(file);
  });
}

function usualHeaders() {
  const key = apiKey();
  return { Accept: "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) };
}

function refusal(status, body, retryAfter) {
  const seconds = Number.parseInt(retryAfter ?? "", 10);
  const error = new ApiError(status, parsed(body), Number.isNaN(seconds) ? null : seconds);
  if (status === 401) for (const listener of requirementListeners) listener(error);
  return error;
}

function parsed(body) {
  try {
    return JSON.parse(body) ?? {};
  } catch {
    return {};
  }
}

async function send(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, {});
  }
}
