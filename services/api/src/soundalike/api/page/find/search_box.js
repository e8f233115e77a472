// The search box: a combobox (WAI-ARIA 1.2) whose list suggests tracks.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { live } from "../vendor/lit-html/directives/live.js";
import { parameter } from "../address.js";
import { announce } from "../announcer.js";
import { artists, duration, sourceName } from "../formats.js";
import { icon } from "../icons.js";
import { problemText } from "../problems.js";
import { afterDraw } from "../render.js";
import { text } from "../strings.js";
import { addSeed, seeds, startFrom } from "./query.js";
import {
  changeText,
  closeList,
  isPending,
  MAX_LENGTH,
  moveActive,
  openList,
  suggestions,
  withResults,
} from "./suggestions.js";
import { requestTrack, requestNotice } from "./track_request.js";

const STATES = {
  pending: "statePending",
  queued: "stateQueued",
  no_preview: "stateNoPreview",
  rejected: "stateRejected",
  gone: "stateGone",
};
// An id or an address is found whole or not at all, so that a track of it can be requested.
const LINK = /^(https?:\/\/|(spotify|deezer):track:|soundcloud:tracks:)\S+$/i;

let isAddition = false;

/** Put the text of the address into the search box, once at the start. */
export function installSearchBox() {
  if (parameter("q")) changeText(parameter("q").slice(0, MAX_LENGTH));
}

/** Return the search box, with its list. */
export function searchBox() {
  const { results, active, isOpen } = suggestions;
  const hasOptions = isOpen && results.length > 0;
  return html`<div class="search" @focusout=${leave}>
    <label class="search-label" for="search">${text("searchLabel")}</label>
    <div class="search-field">
      ${icon("search")}
      <input
        id="search"
        type="search"
        role="combobox"
        aria-autocomplete="list"
        aria-expanded=${hasOptions ? "true" : "false"}
        aria-controls="suggestions"
        aria-activedescendant=${hasOptions && active >= 0 ? `suggestion-${active}` : nothing}
        aria-describedby="search-hint"
        placeholder=${text("searchPlaceholder")}
        maxlength=${MAX_LENGTH}
        autocomplete="off"
        autocapitalize="off"
        spellcheck="false"
        enterkeyhint="search"
        .value=${live(suggestions.text)}
        @input=${(event) => changeText(event.target.value)}
        @focus=${openList}
        @click=${openList}
        @keydown=${press}
      />
    </div>
    <div class="suggestions" ?hidden=${!isOpen}>
      <ul id="suggestions" role="listbox" aria-label=${text("suggestionsLabel")} ?hidden=${!hasOptions}>
        ${results.map(option)}
      </ul>
      ${isOpen ? note() : nothing}
    </div>
    ${requestNotice()}
  </div>`;
}

function option(track, index) {
  const state = STATES[track.state];
  return html`<li
    id=${`suggestion-${index}`}
    class="suggestion"
    role="option"
    aria-selected=${index === suggestions.active ? "true" : "false"}
    data-state=${track.state}
    @pointerdown=${(event) => event.preventDefault()}
    @click=${(event) => choose(track, event.shiftKey)}
  >
    <span class="suggestion-names">
      <span class="suggestion-title">${track.title || track.urn}</span>
      <span class="suggestion-more">${[artists(track), track.album].filter(Boolean).join(" · ")}</span>
    </span>
    <span class="suggestion-facts">
      ${state ? html`<span class="badge">${text(state)}</span>` : nothing}
      ${track.match === "typo" ? html`<span class="badge badge-weak">${text("matchTypo")}</span>` : nothing}
      <span>${track.duration_ms ? duration(track.duration_ms) : ""}</span>
      <span>${sourceName(track.source)}</span>
    </span>
  </li>`;
}

function note() {
  const { results, error } = suggestions;
  const typed = suggestions.text.trim();
  if (error) return html`<p class="suggestions-note" role="alert">${problemText(error)}</p>`;
  if (results.length || isPending()) return nothing;
  if (!LINK.test(typed)) return html`<p class="suggestions-note" role="status">${text("searchNothing", { query: typed })}</p>`;
  return html`<div class="suggestions-note" role="status">
    <p>${text("searchUnknownLink")}</p>
    <button type="button" class="button" @click=${() => requestTrack(typed)}>${text("requestTrack")}</button>
  </div>`;
}

/** Return the choice of what the next track is for, nothing while there is no seed to add it to. */
export function seedUse() {
  if (!seeds().length) return nothing;
  return html`<fieldset class="segments">
    <legend>${text("useLabel")}</legend>
    ${[false, true].map(
      (value) => html`<label>
        <input type="radio" name="use" .checked=${live(isAddition === value)} @change=${() => (isAddition = value)} />
        <span>${text(value ? "useAdd" : "useStart")}</span>
      </label>`,
    )}
  </fieldset>`;
}

function press(event) {
  // The Enter that ends a word of Japanese or Chinese is no choice.
  if (event.isComposing) return;
  const { isOpen, active, results } = suggestions;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (!isOpen) return void openList();
    moveActive(event.key === "ArrowDown" ? 1 : -1);
    afterDraw(() => document.querySelector("#suggestions [aria-selected=true]")?.scrollIntoView({ block: "nearest" }));
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (active >= 0) choose(results[active], event.shiftKey);
    else if (isOpen) withResults((list) => list.length && choose(list[0], event.shiftKey));
    else openList();
  } else if (event.key === "Escape" && (isOpen || suggestions.text)) {
    event.preventDefault();
    event.stopPropagation();
    if (isOpen) closeList();
    else changeText("");
  }
}

function choose(track, isShift) {
  changeText("");
  if (seeds().length && (isAddition || isShift)) addSeed(track.urn);
  else startFrom(track.urn);
  announce(text("chosen", { title: track.title }));
}

function leave(event) {
  if (!event.currentTarget.contains(event.relatedTarget)) closeList();
}
