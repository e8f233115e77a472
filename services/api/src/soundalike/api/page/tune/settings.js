// The settings of a query: they live in the address; while a slider moves, its value is here first.

import { changeAddress, parameter, parameterValues } from "../address.js";
import { redraw } from "../render.js";

// Browsers refuse a page that changes its address more than some hundred times a minute.
const INTERVAL_MS = 250;

/** The values that count where the address names none; those of the API. */
export const DEFAULTS = { n: 10, min_score: 0, diversity: 0, blend: 0.5, max_per_artist: 2, max_per_album: 1 };

const NAMES = [...Object.keys(DEFAULTS), "by", "tag", "not_tag", "min_duration", "max_duration", "source"];

let draft = null;
let timer = null;
let hasEntry = false;

/** Return a number: of the slider that moves, of the address, or the default. */
export function setting(name) {
  const value = draft && name in draft ? draft[name] : parameter(name);
  return value === null || value === "" || Number.isNaN(Number(value)) ? (DEFAULTS[name] ?? null) : Number(value);
}

/** Return the text of a setting, or null. */
export const settingText = (name) => (draft && name in draft ? draft[name] : parameter(name));

/** Change settings once, with an entry in the history. */
export function changeSettings(changes) {
  changeAddress(withoutDefaults(changes));
}

/** Take values of a slider that moves: one entry in the history for the whole movement. */
export function dragSettings(changes) {
  draft = { ...draft, ...changes };
  timer ??= setTimeout(write, INTERVAL_MS);
  redraw();
}

/** End the movement of a slider. */
export function endDrag() {
  write();
  hasEntry = false;
}

/** Tell how many settings differ from the defaults. */
export const changedCount = () =>
  NAMES.filter((name) => name !== "blend").reduce((count, name) => count + (parameterValues(name).length ? 1 : 0), 0);

/** Set all back to the defaults. */
export function resetTune() {
  draft = null;
  changeAddress(Object.fromEntries(NAMES.map((name) => [name, null])));
}

function write() {
  clearTimeout(timer);
  timer = null;
  if (draft === null) return;
  const changes = withoutDefaults(draft);
  draft = null;
  const before = location.search;
  changeAddress(changes, { replace: hasEntry });
  hasEntry ||= location.search !== before;
  redraw();
}

// A link is as short as it can be.
const withoutDefaults = (changes) =>
  Object.fromEntries(
    Object.entries(changes).map(([name, value]) => [name, String(value) === String(DEFAULTS[name]) ? null : value]),
  );
