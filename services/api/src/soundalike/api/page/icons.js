// The pictures on buttons; all are decoration beside a text or a label.

import { html } from "./vendor/lit-html/lit-html.js";

const PATHS = {
  play: "M8 5.5v13l11-6.5z",
  pause: "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z",
  plus: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
  minus: "M5 11h14v2H5z",
  close: "m6.4 5 5.6 5.6L17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6l5.6-5.6L5 6.4z",
  search: "M10.5 4a6.5 6.5 0 0 1 5.2 10.4l4.4 4.4-1.4 1.4-4.4-4.4A6.5 6.5 0 1 1 10.5 4m0 2a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9",
  file: "M9 18a3 3 0 1 1-2-2.8V5l12-2v12a3 3 0 1 1-2-2.8V7.3L9 8.7z",
  random: "M4 6h3.6c1.5 0 2.8.7 3.7 1.9l4.6 6.4c.5.6 1.2 1 2 1H18V13l4 3.5-4 3.5v-2.7h-.1c-1.5 0-2.8-.7-3.7-1.9L9.6 9a2.5 2.5 0 0 0-2-1H4zm0 12v-2h3.6a2.5 2.5 0 0 0 2-1l.7-1 1.3 1.7-.4.5A4.6 4.6 0 0 1 7.6 18zm9-8.8-.1-.1.3-.4A4.6 4.6 0 0 1 16.9 7H18V4l4 3.5L18 11V9h-1.1a2.5 2.5 0 0 0-2 1l-.6.8z",
  open: "M14 4h6v6h-2V7.4l-7.3 7.3-1.4-1.4L16.6 6H14zM5 6h5v2H6v10h10v-4h2v6H4V6z",
  download: "M11 4h2v8.2l3.1-3.1 1.4 1.4L12 16l-5.5-5.5 1.4-1.4 3.1 3.1zM5 18h14v2H5z",
  copy: "M8 4h11v13h-2V6H8zM5 7h10v13H5zm2 2v9h6V9z",
  link: "M10.6 13.4a1 1 0 0 1 0-1.4l2-2a3.5 3.5 0 0 1 5 5l-1.5 1.5-1.4-1.4 1.5-1.5a1.5 1.5 0 0 0-2.2-2.2l-2 2a1 1 0 0 1-1.4 0m2.8-2.8a1 1 0 0 1 0 1.4l-2 2a3.5 3.5 0 0 1-5-5l1.5-1.5 1.4 1.4-1.5 1.5A1.5 1.5 0 0 0 10 12.6l2-2a1 1 0 0 1 1.4 0",
  reset: "M12 5a7 7 0 1 1-6.7 9h2.1A5 5 0 1 0 12 7a5 5 0 0 0-3.6 1.5L11 11H4V4l3 3a7 7 0 0 1 5-2",
  tune: "M4 7h9.2a3 3 0 0 1 5.6 0H20v2h-1.2a3 3 0 0 1-5.6 0H4zm0 8h1.2a3 3 0 0 1 5.6 0H20v2h-9.2a3 3 0 0 1-5.6 0H4z",
  more: "M6 10a2 2 0 1 1 0 4 2 2 0 0 1 0-4m6 0a2 2 0 1 1 0 4 2 2 0 0 1 0-4m6 0a2 2 0 1 1 0 4 2 2 0 0 1 0-4",
  key: "M8 7a5 5 0 0 1 4.6 3H21v4h-2v2h-4v-2h-2.4A5 5 0 1 1 8 7m0 3.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3",
};

/** Return a picture by its name. */
export const icon = (name) =>
  html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${PATHS[name]}></path></svg>`;
