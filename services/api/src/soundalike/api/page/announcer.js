// What a screen reader is told about changes elsewhere on the page.

import { html } from "./vendor/lit-html/lit-html.js";
import { redraw } from "./render.js";

let message = "";

/** Have a text read aloud once the present sentence ends. */
export function announce(text) {
  message = text;
  redraw();
}

/** Return the region whose changes are read; it is on the page from the beginning, or nothing would be. */
export const announcer = () => html`<p class="visually-hidden" role="status">${message}</p>`;
