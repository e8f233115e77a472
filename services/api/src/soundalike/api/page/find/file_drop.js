// Files that are dragged onto the page, wherever they are let go.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icon } from "../icons.js";
import { redraw } from "../render.js";
import { text } from "../strings.js";
import { useFile } from "./audio_file.js";

// Every element that a drag enters and leaves counts, or the sign would flicker.
let depth = 0;

const holdsFile = (event) => event.dataTransfer?.types.includes("Files") ?? false;

/** Take audio files that are dropped anywhere, and keep the browser from opening any file instead of the page. */
export function installFileDrop() {
  addEventListener("dragenter", (event) => holdsFile(event) && change(depth + 1));
  addEventListener("dragleave", (event) => holdsFile(event) && change(Math.max(0, depth - 1)));
  addEventListener("dragover", (event) => holdsFile(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    change(0);
    useFile(event.dataTransfer.files[0]);
  });
}

/** Return the sign over the page while a file is dragged. */
export function dropSign() {
  return depth ? html`<div class="drop-sign"><p>${icon("file")} ${text("dropHere")}</p></div>` : nothing;
}

function change(value) {
  const isDifferent = (depth > 0) !== (value > 0);
  depth = value;
  if (isDifferent) redraw();
}
