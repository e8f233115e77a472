// The keys of the whole page. They keep away from fields, from dialogs and from keys that a control needs itself.

import { openHelp, shortcutsEnabled } from "./help_dialog.js";
import { playing, playNext, playPrevious, seekBy, toggle } from "./player.js";

const SEEK_S = 5;
const FIELDS = "input, textarea, select, [contenteditable], [role=listbox], [role=combobox], iframe";
const CONTROLS = "button, a, summary, label";

const ACTIONS = {
  " ": (target) => (playing() === null ? activate(target) : toggle()),
  ArrowLeft: () => playing() !== null && seekBy(-SEEK_S),
  ArrowRight: () => playing() !== null && seekBy(SEEK_S),
  "shift+ArrowLeft": () => playing() !== null && playPrevious(),
  "shift+ArrowRight": () => playing() !== null && playNext(),
  p: () => playing() !== null && playPrevious(),
  n: () => playing() !== null && playNext(),
  ArrowUp: (target) => moveFocus(target, -1),
  ArrowDown: (target) => moveFocus(target, 1),
  k: (target) => moveFocus(target, -1),
  j: (target) => moveFocus(target, 1),
  Enter: activate,
  "/": focusSearch,
  "?": openHelp,
};

/** Listen to the keyboard. */
export function installShortcuts() {
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !shortcutsEnabled()) return;
    if (!(target instanceof Element) || target.closest(`${FIELDS}, dialog`)) return;
    // Space and Enter on a button or a link are its own.
    if ((key === " " || key === "Enter") && target.closest(CONTROLS)) return;
    const name = event.shiftKey && key.startsWith("Arrow") ? `shift+${key}` : key;
    // An action that finds nothing to do leaves the key to the browser.
    if (Object.hasOwn(ACTIONS, name) && ACTIONS[name](target) !== false) event.preventDefault();
  });
}

function moveFocus(target, step) {
  const cards = [...document.querySelectorAll("[data-card]")];
  if (cards.length === 0) return false;
  const index = cards.indexOf(target.closest("[data-card]"));
  const next = index < 0 ? (step > 0 ? 0 : cards.length - 1) : index + step;
  if (next < 0 || next >= cards.length) return false;
  cards[next].focus();
  return true;
}

function activate(target) {
  if (!target.matches("[data-card]")) return false;
  const action = target.querySelector("button, a");
  action?.click();
  return action !== null;
}

function focusSearch() {
  const search = document.querySelector("#search");
  if (search === null) return false;
  search.focus();
  search.select?.();
  return true;
}
