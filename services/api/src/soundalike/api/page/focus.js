// The focus stays where it was, or near it, when a draw takes away or moves the element that had it.

const CARD = "[data-card]";
const CHIP = ".chips li";

let last = null;
let isDrawing = false;

const indexOf = (element, selector) => {
  const item = element.closest(selector);
  return item === null ? -1 : [...document.querySelectorAll(selector)].indexOf(item);
};

/** Remember from now on what has the focus. */
export function installFocus() {
  addEventListener("focusin", ({ target }) => {
    last = { element: target, card: indexOf(target, CARD), chip: indexOf(target, CHIP) };
  });
  // Whoever clicks beside everything means to leave it; a window that loses the focus gives it back by itself.
  addEventListener("focusout", ({ relatedTarget }) => {
    if (!isDrawing && relatedTarget === null && document.hasFocus()) last = null;
  });
}

/** Have the focus go to the heading of the next answer, if it was on a card of this one. */
export function leaveCards() {
  if (last) last.card = -1;
}

/** Draw, and give the focus back if that lost it. */
export function keepFocus(draw) {
  isDrawing = true;
  draw();
  isDrawing = false;
  const isLost = document.activeElement === document.body || document.activeElement === null;
  if (last !== null && isLost && document.hasFocus()) restore(last);
}

function restore({ element, card, chip }) {
  if (element.isConnected && !element.disabled) return void element.focus({ preventScroll: true });
  const target = at(CARD, card) ?? at(`${CHIP} .chip-remove`, chip);
  (target ?? document.querySelector("#answers-title") ?? document.querySelector("#search"))?.focus();
}

function at(selector, index) {
  const items = index < 0 ? [] : document.querySelectorAll(selector);
  return items[Math.min(index, items.length - 1)] ?? null;
}
