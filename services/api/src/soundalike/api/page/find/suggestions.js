// Suggestions while somebody types: one request at a time, and never those of an older text.

import { requestJson } from "../api_client.js";
import { redraw } from "../render.js";
import { remember } from "./track_names.js";

const DELAY_MS = 80;
const LIMIT = 8;
/** The longest text that the API searches for. */
export const MAX_LENGTH = 200;

/** `answered` is the text that `results` belong to; `error` is its failure. */
export const suggestions = { text: "", results: [], answered: "", isOpen: false, active: -1, error: null };

let timer = null;
let controller = null;
let waiters = [];

/** Tell whether an answer for the present text is still to come. */
export const isPending = () => suggestions.text.trim() !== suggestions.answered;

/** Take the text of the search box. */
export function changeText(value) {
  suggestions.text = value;
  suggestions.active = -1;
  suggestions.isOpen = value.trim() !== "";
  clearTimeout(timer);
  controller?.abort();
  waiters = [];
  if (suggestions.isOpen) timer = setTimeout(load, DELAY_MS);
  else Object.assign(suggestions, { results: [], answered: "", error: null });
  redraw();
}

/** Open the list again, with what it held. */
export function openList() {
  if (suggestions.isOpen || suggestions.text.trim() === "") return;
  if (isPending()) return void changeText(suggestions.text);
  suggestions.isOpen = true;
  redraw();
}

/** Close the list. */
export function closeList() {
  Object.assign(suggestions, { isOpen: false, active: -1 });
  waiters = [];
  redraw();
}

/** Move the active option by a step, around the ends. */
export function moveActive(step) {
  const count = suggestions.results.length;
  if (!count) return;
  const from = suggestions.active === -1 && step < 0 ? 0 : suggestions.active;
  suggestions.active = (from + step + count) % count;
  redraw();
}

/** Call a function with the results of the present text: at once, or when they have come. */
export function withResults(task) {
  if (!isPending()) task(suggestions.results);
  else waiters.push(task);
}

async function load() {
  const text = suggestions.text.trim();
  const own = (controller = new AbortController());
  let change;
  try {
    const parameters = new URLSearchParams({ q: text, n: LIMIT });
    const { results } = await requestJson(`search?${parameters}`, { signal: own.signal });
    results.forEach((track) => remember(track));
    change = { results, error: null };
  } catch (error) {
    if (error.name === "AbortError") return;
    change = { results: [], error };
  }
  if (own !== controller || own.signal.aborted) return;
  Object.assign(suggestions, change, { answered: text, active: -1 });
  const due = waiters;
  waiters = [];
  for (const task of due) task(suggestions.results);
  redraw();
}
