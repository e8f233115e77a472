// The help: which keys there are, and a switch for people whose tools send keys by themselves.

import { html } from "../vendor/lit-html/lit-html.js";
import { afterDraw, redraw } from "../render.js";
import { text } from "../strings.js";

const CHOICE = "soundalike-shortcuts";
const KEYS = [
  [["keySpace"], "helpToggle"],
  [["←", "→"], "helpSeek"],
  [["⇧ ←", "p"], "helpPrevious"],
  [["⇧ →", "n"], "helpNext"],
  [["↑", "k"], "helpCardBefore"],
  [["↓", "j"], "helpCardAfter"],
  [["keyEnterKey"], "helpActivate"],
  [["/"], "helpSearch"],
  [["?"], "helpOpen"],
  [["Esc"], "helpClose"],
];

let isOpen = false;

const dialog = () => document.querySelector("#help-dialog");

/** Tell whether the keys are switched on in this browser. */
export const shortcutsEnabled = () => localStorage.getItem(CHOICE) !== "off";

/** Open the help. */
export function openHelp() {
  isOpen = true;
  afterDraw(() => !dialog().open && dialog().showModal());
}

/** Return the dialog. */
export function helpDialog() {
  return html`<dialog id="help-dialog" class="dialog" aria-labelledby="help-title" @close=${close}>
    ${isOpen
      ? html`<form method="dialog">
          <h2 id="help-title">${text("helpTitle")}</h2>
          <dl class="help-keys">
            ${KEYS.map(
              ([keys, meaning]) => html`<div>
                <dt>${keys.map((key) => html`<kbd>${key.startsWith("key") ? text(key) : key}</kbd> `)}</dt>
                <dd>${text(meaning)}</dd>
              </div>`,
            )}
          </dl>
          <label class="help-switch">
            <input type="checkbox" .checked=${shortcutsEnabled()} @change=${choose} />
            <span>${text("helpSwitch")}</span>
          </label>
          <div class="row row-end"><button type="submit" class="button button-primary" autofocus>${text("close")}</button></div>
        </form>`
      : ""}
  </dialog>`;
}

function choose(event) {
  if (event.target.checked) localStorage.removeItem(CHOICE);
  else localStorage.setItem(CHOICE, "off");
  redraw();
}

function close() {
  isOpen = false;
  redraw();
}
