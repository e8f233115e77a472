// Requests to the API that serves this page, with the key if there is one, and its problems as errors.

const KEY = "soundalike-key";
const listeners = new Set();

/** A refusal or failure of the API (RFC 9457); `status` is 0 where it did not answer at all. */
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.status = status;
    this.problem = problem;
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

/** Request an address and return the response; raises `ApiError`. `signal` cancels it. */
export async function request(path, { method = "GET", body, headers = {}, signal } = {}) {
  const key = apiKey();
  const response = await send(path, {
    method,
    body,
    signal,
    headers: { Accept: "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}), ...headers },
  });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new ApiError(response.status, problem);
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

async function send(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, {});
  }
}
