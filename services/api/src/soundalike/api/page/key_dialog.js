// The dialog for a key of the API: it opens where one is needed, and is kept in this tab only.

import { html } from "./vendor/lit-html/lit-html.js";
import { apiKey, onApiKeyChange, onKeyRequirement, setApiKey } from "./api_client.js";
import { afterDraw, redraw } from "./render.js";
import { text } from "./strings.js";

const state = { isOpen: false, isDeclined: false, isRefused: false };

const dialog = () => document.querySelector("#key-dialog");

/** Open the dialog. */
export function openKeyDialog() {
  state.isOpen = true;
  afterDraw(() => !dialog().open && dialog().showModal());
}

/** Have the dialog open when the API asks for a key; whoever closes it without one is not asked again and again. */
export function installKeyDialog() {
  onKeyRequirement(() => {
    state.isRefused = apiKey() !== null;
    if (!state.isDeclined) openKeyDialog();
  });
  onApiKeyChange(() => {
    state.isDeclined = false;
    redraw();
  });
}

/** Return the dialog. */
export function keyDialog() {
  return html`<dialog id="key-dialog" class="dialog" aria-labelledby="key-title" @close=${close}>
    ${state.isOpen
      ? html`<form method="dialog" @submit=${submit}>
          <h2 id="key-title">${text("keyTitle")}</h2>
          <p>${text(state.isRefused ? "keyRefused" : "keyExplanation")}</p>
          <label class="field">
            <span>${text("keyLabel")}</span>
            <input type="password" name="key" autocomplete="off" spellcheck="false" required autofocus />
          </label>
          <p class="hint">${text("keyStorage")}</p>
          <p class="hint">${text("keySource")} <code>soundalike keys add</code></p>
          <div class="row row-end">
            ${apiKey() === null
              ? ""
              : html`<button type="button" class="button" @click=${forget}>${text("keyForget")}</button>`}
            <button type="button" class="button" @click=${() => dialog().close()}>${text("cancel")}</button>
            <button type="submit" class="button button-primary">${text("keyUse")}</button>
          </div>
        </form>`
      : ""}
  </dialog>`;
}

function submit(event) {
  const key = new FormData(event.currentTarget).get("key").trim();
  state.isRefused = false;
  if (key) setApiKey(key);
}

function forget() {
  state.isRefused = false;
  setApiKey(null);
  dialog().close();
}

function close() {
  state.isOpen = false;
  // After a key was entered this is set back by its change, which comes first.
  state.isDeclined = apiKey() === null || state.isRefused;
  redraw();
}
