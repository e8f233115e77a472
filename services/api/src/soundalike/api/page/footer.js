// The foot of every view: the documentation, the key, and the language.

import { html } from "./vendor/lit-html/lit-html.js";
import { apiKey } from "./api_client.js";
import { openKeyDialog } from "./key_dialog.js";
import { openHelp } from "./player/help_dialog.js";
import { language, languageNames, setLanguage, text } from "./strings.js";

/** Return the foot of the page. */
export function footer() {
  return html`<footer class="foot">
    <nav aria-label=${text("footLabel")}>
      <a href="docs">${text("docsApi")}</a>
      <a href="redoc">${text("docsReference")}</a>
      <a href="openapi.json">OpenAPI</a>
      <button type="button" class="text-button" @click=${openKeyDialog}>
        ${text(apiKey() === null ? "keyEnter" : "keyChange")}
      </button>
      <button type="button" class="text-button" @click=${openHelp}>${text("helpTitle")}</button>
    </nav>
    <label class="language">
      <span>${text("languageLabel")}</span>
      <select @change=${(event) => setLanguage(event.target.value)}>
        ${Object.entries(languageNames).map(
          ([code, name]) => html`<option value=${code} lang=${code} ?selected=${code === language}>${name}</option>`,
        )}
      </select>
    </label>
  </footer>`;
}
