// The answer on the page: its cards, or what stands in their place.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { parameter, parameterValues } from "../address.js";
import { audioFile, isCut } from "../find/audio_file.js";
import { seeds } from "../find/query.js";
import { trackNamed } from "../find/track_names.js";
import { percent } from "../formats.js";
import { problemNotice } from "../problems.js";
import { language, text } from "../strings.js";
import { changeSettings, resetTune } from "../tune/settings.js";
import { answer, reload } from "./answer.js";
import { card } from "./card.js";

const SKELETONS = 5;

/** Return the answer, with its heading. */
export function answersView() {
  const { phase, recommendation, isSlow, error } = answer;
  const isBusy = phase === "loading" && isSlow;
  return html`<section class="answers" aria-labelledby="answers-title" aria-busy=${phase === "loading" ? "true" : "false"}>
    <div class="section-head">
      <h2 id="answers-title" tabindex="-1">${heading()}</h2>
      ${recommendation ? html`<span class="hint">${text("indexSize", { count: recommendation.index.tracks + recommendation.index.tail })}</span>` : nothing}
    </div>
    ${audioFile.file ? fileProgress() : html`<div class="activity" data-busy=${isBusy ? "true" : "false"}></div>`}
    ${phase === "failed" || (phase === "loading" && error) ? failure(error) : nothing}
    ${recommendation ? results(recommendation) : isBusy && !error ? skeletons() : nothing}
  </section>`;
}

function heading() {
  const count = answer.recommendation?.results.length;
  if (audioFile.file) return text("answersFile", { name: audioFile.name });
  const ids = seeds();
  const title = trackNamed(ids[0])?.title;
  if (ids.length === 1 && title) return text("answersOne", { title });
  if (ids.length > 1) return text("answersSeveral", { count: ids.length });
  return text("answersTitle", { count: count ?? 0 });
}

function results({ results: list, shortage, seeds: from }) {
  const isFile = audioFile.file !== null;
  const titles = new Map(from.map((seed) => [seed.urn, seed.title]));
  const options = {
    isAdditive: !isFile && seeds().length > 0,
    seedTitle: from.length > 1 ? (urn) => titles.get(urn) ?? urn : null,
  };
  return html`<ol class="cards" ?hidden=${list.length === 0}>
      ${repeat(
        list,
        (result) => result.urn,
        (result) => html`<li>${card(result, list, options)}</li>`,
      )}
    </ol>
    ${shortageNote(list, shortage)}`;
}

function shortageNote(list, shortage) {
  const requested = Number(parameter("n") ?? 10);
  if (list.length >= requested && !shortage) return nothing;
  return html`<div class="notice-bar" role="note">
    ${shortage && language === "en" ? html`<p>${shortage}</p>` : localShortage(list.length, requested, shortage)}
    <p class="hint">${text("shortageHint")}</p>
    ${hasFilter()
      ? html`<div class="row"><button type="button" class="button" @click=${resetTune}>${text("reset")}</button></div>`
      : nothing}
  </div>`;
}

// The API's sentence is English: it stands below ours.
function localShortage(count, requested, shortage) {
  return html`<p>${count ? text("shortage", { count, requested }) : text("noResults")}</p>
    ${shortage ? html`<p class="hint" lang="en">${shortage}</p>` : nothing}`;
}

const hasFilter = () =>
  ["min_score", "tag", "not_tag", "source", "min_duration", "max_duration", "max_per_artist", "max_per_album"].some(
    (name) => parameterValues(name).length > 0,
  );

function failure(error) {
  if (error === null) return nothing;
  return html`${problemNotice(error, remedy(error))}
  ${answer.willRetry ? html`<p class="hint">${text("retrying")}</p>` : nothing}`;
}

// What most likely helps, as a button.
function remedy(error) {
  const [label, act] =
    {
      "invalid-request": [text("reset"), resetTune],
      "no-taste": [text("compareBySound"), () => changeSettings({ by: null, blend: null })],
    }[error.kind] ?? [text("tryAgain"), reload];
  return html`<button type="button" class="button" @click=${act}>${label}</button>`;
}

function fileProgress() {
  const { phase, progress } = answer;
  const note = html`<p class="hint">${text("fileNotKept")} ${isCut() ? text("fileCut") : nothing}</p>`;
  if (phase !== "loading") return note;
  const isSent = progress === 1;
  return html`<div class="upload">
    <label for="upload-progress">
      ${isSent ? text("fileAnalysis") : text("fileUpload", { share: percent(progress ?? 0) })}
    </label>
    ${isSent
      ? html`<progress id="upload-progress" class="progress"></progress>`
      : html`<progress id="upload-progress" class="progress" max="1" .value=${progress ?? 0}></progress>`}
    ${note}
  </div>`;
}

function skeletons() {
  return html`<div class="skeletons" aria-hidden="true">
    ${Array.from({ length: SKELETONS }, () => html`<div class="card skeleton"><span></span><span></span><span></span></div>`)}
  </div>`;
}
