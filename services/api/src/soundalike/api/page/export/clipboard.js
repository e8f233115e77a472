// Copies to the clipboard, which browsers offer only to secure pages.

import { announce } from "../announcer.js";
import { redraw } from "../render.js";
import { text } from "../strings.js";

const SHOWN_MS = 2_000;

let last = { name: "", isCopied: false };

/** Copy a text; `name` is the button that says so afterwards. */
export async function copyText(content, name) {
  const isCopied = await write(content);
  const own = (last = { name, isCopied });
  announce(text(isCopied ? "copied" : "copyFailed"));
  setTimeout(() => {
    if (own !== last) return;
    last = { name: "", isCopied: false };
    redraw();
  }, SHOWN_MS);
}

/** Return the label of a copying button: `usual`, or for a moment what became of the copy. */
export function copyLabel(name, usual = text("copy")) {
  return last.name === name ? text(last.isCopied ? "copied" : "copyFailed") : usual;
}

async function write(content) {
  try {
    await navigator.clipboard.writeText(content);
    return true;
  } catch {
    return writeBySelection(content);
  }
}

// By plain HTTP from another machine there is no other way.
function writeBySelection(content) {
  const field = document.createElement("textarea");
  const focus = document.activeElement;
  field.value = content;
  field.className = "visually-hidden";
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  focus?.focus();
  return isCopied;
}
