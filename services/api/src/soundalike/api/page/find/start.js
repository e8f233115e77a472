// What there is to do before anything was asked: a file, a surprise, tracks to start from, or how to fill the catalogue.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { addressWith } from "../address.js";
import { playButton } from "../answers/play_button.js";
import { copyText, copyLabel } from "../export/clipboard.js";
import { artists } from "../formats.js";
import { icon } from "../icons.js";
import { problemNotice } from "../problems.js";
import { text } from "../strings.js";
import { audioFile, useFile } from "./audio_file.js";
import { catalogue, loadCatalogue, shuffle, surprise } from "./catalogue.js";
import { startFrom } from "./query.js";

const CRAWL_COMMAND = "make crawl FOLDER=~/Music";

/** Return the buttons beside the search box. */
export function otherWays() {
  return html`<div class="ways">
      <button type="button" class="button" @click=${surprise}>${icon("random")} ${text("surprise")}</button>
      <label class="button file-button">
        ${icon("file")} <span>${text("chooseFile")}</span>
        <input type="file" class="visually-hidden" accept="audio/*,.flac,.opus,.ape,.wv,.wma,.m4a,.dsf" @change=${pick} />
      </label>
      <span class="hint" id="search-hint">${text("searchHint")}</span>
    </div>
    ${audioFile.refusal ? html`<p class="warning" role="alert">${text("fileNotAudio", { name: audioFile.refusal })}</p>` : nothing}`;
}

/** Return what fills the page while there is no query. */
export function start() {
  if (catalogue.phase === "empty" || catalogue.phase === "waiting") return emptyCatalogue();
  if (catalogue.phase === "failed") {
    const again = html`<button type="button" class="button" @click=${loadCatalogue}>${text("tryAgain")}</button>`;
    return problemNotice(catalogue.error, again);
  }
  if (!catalogue.tracks.length) return nothing;
  return html`<section class="starts" aria-labelledby="starts-title">
    <div class="section-head">
      <h2 id="starts-title">${text("startsTitle")}</h2>
      <button type="button" class="text-button" @click=${shuffle}>${icon("random")} ${text("startsOther")}</button>
    </div>
    <ul class="tiles">
      ${catalogue.tracks.map(
        (track) => html`<li class="tile" data-card tabindex="-1">
          ${playButton(track, catalogue.tracks)}
          <button type="button" class="tile-button" @click=${() => startFrom(track.urn)}>
            <span class="tile-title">${track.title}</span>
            <span class="tile-artists">${artists(track)}</span>
          </button>
        </li>`,
      )}
    </ul>
  </section>`;
}

function emptyCatalogue() {
  const isWaiting = catalogue.phase === "waiting";
  return html`<section class="empty" role="status">
    <h2>${text(isWaiting ? "waitingTitle" : "emptyTitle")}</h2>
    <p>${text(isWaiting ? "waitingText" : "emptyText")}</p>
    ${isWaiting
      ? nothing
      : html`<div class="command">
          <code>${CRAWL_COMMAND}</code>
          <button type="button" class="button" @click=${() => copyText(CRAWL_COMMAND, "command")}>
            ${icon("copy")} ${copyLabel("command")}
          </button>
        </div>`}
    <p><a href=${addressWith({ view: "status" })} data-view="status">${text(isWaiting ? "waitingStatus" : "emptyStatus")}</a></p>
  </section>`;
}

function pick(event) {
  useFile(event.target.files[0]);
  // The same file can be chosen again only if the field has forgotten it.
  event.target.value = "";
}
