// The state that can be shared: it is the address, whose parameters are those of GET /recommend.

const listeners = new Set();
let parameters = new URLSearchParams(location.search);

/** Parameters of the page itself, which the API does not know. */
const OWN_PARAMETERS = new Set(["view", "q"]);

/** Return the first value of a parameter, or null. */
export const parameter = (name) => parameters.get(name);

/** Return all values of a parameter. */
export const parameterValues = (name) => parameters.getAll(name);

/** Return what the address asks of the API, as a copy. */
export function apiParameters() {
  const copy = new URLSearchParams(parameters);
  for (const name of OWN_PARAMETERS) copy.delete(name);
  return copy;
}

/** Return the address of the page with some parameters changed: name to value, list of values, or null for none. */
export function addressWith(changes) {
  const copy = new URLSearchParams(parameters);
  for (const [name, value] of Object.entries(changes)) {
    copy.delete(name);
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== "") copy.append(name, each);
    }
  }
  const text = copy.toString();
  return text ? `${location.pathname}?${text}` : location.pathname;
}

/**
 * Change parameters of the address, and tell the listeners.
 *
 * `replace`: without an entry of its own in the history, for what changes many times a second such as a slider.
 */
export function changeAddress(changes, { replace = false } = {}) {
  const target = addressWith(changes);
  if (target === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", target);
  read();
}

/** Call a function after every change of the address, Back and Forward too; it gets the names that changed. */
export function onAddressChange(listener) {
  listeners.add(listener);
}

function read() {
  const previous = parameters;
  parameters = new URLSearchParams(location.search);
  const names = new Set([...previous.keys(), ...parameters.keys()]);
  const changed = new Set(
    [...names].filter((name) => previous.getAll(name).join("\n") !== parameters.getAll(name).join("\n")),
  );
  for (const listener of listeners) listener(changed);
}

addEventListener("popstate", read);
