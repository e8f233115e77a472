// One result: what it is, how similar and why, and what can be done with it.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { artists, duration, percent, sourceName, webLink } from "../formats.js";
import { icon } from "../icons.js";
import { redraw } from "../render.js";
import { language, text } from "../strings.js";
import { tagPill } from "../tune/tag_filter.js";
import { addSeed, excludeArtist, excludeTrack, startFrom, subtract } from "../find/query.js";
import { layerBars, layerPicture } from "./layer_bars.js";
import { meter } from "./meter.js";
import { playButton } from "./play_button.js";
import { localReason, scoreWord } from "./score.js";

// The results whose layers are shown, for as long as the page is open.
const unfolded = new Set();

/**
 * Return the card of a result.
 *
 * `isAdditive` tells whether it can become a seed beside the present ones,
 * `seedTitle` what a seed is called, null where there is one only.
 */
export function card(result, results, { isAdditive, seedTitle }) {
  const { title } = result;
  const id = `result-${result.rank}`;
  const hasLayers = Object.keys(result.alike).length > 0;
  return html`<article class="card" data-card data-urn=${result.urn} tabindex="-1" aria-labelledby=${id}>
    <div class="card-play">${playButton(result, results)}<span class="rank" aria-hidden="true">${result.rank}</span></div>
    <div class="card-names">
      <h3 id=${id}>${result.title}</h3>
      <p class="card-artists">${artists(result)}</p>
      <p class="card-facts">${facts(result)}</p>
    </div>
    ${score(result)}
    <div class="card-why">
      <p lang=${language === "en" ? "en" : nothing}>${language === "en" ? result.why : localReason(result)}</p>
      ${seedTitle && result.seed ? html`<p class="hint">${text("nearestSeed", { title: seedTitle(result.seed) })}</p>` : nothing}
      ${tags(result)}
    </div>
    <div class="card-actions">
      ${isAdditive
        ? action("plus", text("moreLike"), text("moreLikeLabel", { title }), () => addSeed(result.urn))
        : nothing}
      ${action("search", text("startFromThis"), text("startFromThisLabel", { title }), () => startFrom(result.urn))}
      ${action("minus", text("notThis"), text("notThisLabel", { title }), () => subtract(result.urn))}
      ${more(result)} ${hasLayers ? layersButton(result) : nothing}
    </div>
    ${hasLayers && unfolded.has(result.urn) ? html`<div class="card-layers" id=${`layers-${result.rank}`}>${layerBars(result.alike)}</div>` : nothing}
  </article>`;
}

function facts(result) {
  const link = webLink(result);
  const source = link
    ? html`<a href=${link} target="_blank" rel="noopener noreferrer" aria-label=${text("openAt", { title: result.title, source: sourceName(result.source) })}
        >${sourceName(result.source)} ${icon("open")}</a
      >`
    : html`<span>${sourceName(result.source)}</span>`;
  return html`${result.album ? html`<span>${result.album}</span>` : nothing}
    ${result.duration_ms ? html`<span>${duration(result.duration_ms)}</span>` : nothing} ${source}`;
}

function score(result) {
  return html`<div class="card-score" title=${text("scoreExplanation", { share: percent(result.score) })}>
    <span class="score-word">${scoreWord(result.score)}</span>
    <span class="score-number">${percent(result.score)}</span>
    ${meter(result.score, text("scoreLabel"))}
    ${result.by.length > 1 || result.by[0] !== "sound"
      ? html`<span class="hint">${result.by.map((signal) => `${text(signal === "taste" ? "signalTaste" : "signalSound")} ${percent(result.scores[signal])}`).join(" · ")}</span>`
      : nothing}
  </div>`;
}

function tags(result) {
  if (!result.shared_tags.length) return nothing;
  return html`<ul class="pills" aria-label=${text("sharedTags")}>
    ${result.shared_tags.slice(0, 6).map((tag) => html`<li>${tagPill(tag)}</li>`)}
  </ul>`;
}

function layersButton({ urn, rank, title, alike }) {
  const isUnfolded = unfolded.has(urn);
  return html`<button
    type="button"
    class="action layers-button"
    aria-expanded=${isUnfolded ? "true" : "false"}
    aria-controls=${isUnfolded ? `layers-${rank}` : nothing}
    aria-label=${text("layersLabel", { title })}
    @click=${() => fold(urn)}
  >
    ${layerPicture(alike)} <span>${text("layersTitle")}</span>
  </button>`;
}

function fold(urn) {
  if (!unfolded.delete(urn)) unfolded.add(urn);
  redraw();
}

function action(picture, name, label, run) {
  return html`<button type="button" class="action" aria-label=${label} @click=${run}>
    ${icon(picture)} <span>${name}</span>
  </button>`;
}

function more(result) {
  return html`<details class="menu" @keydown=${closeByKey} @focusout=${closeOutside}>
    <summary aria-label=${text("moreActionsLabel", { title: result.title })}>${icon("more")}</summary>
    <div class="menu-list">
      ${result.artists.map(
        (name) => html`<button type="button" @click=${() => excludeArtist(name)}>
          ${text("lessOfArtist", { artist: name })}
        </button>`,
      )}
      <button type="button" @click=${() => excludeTrack(result.urn)}>${text("excludeThis")}</button>
    </div>
  </details>`;
}

function closeByKey(event) {
  if (event.key !== "Escape" || !event.currentTarget.open) return;
  event.stopPropagation();
  event.currentTarget.open = false;
  event.currentTarget.querySelector("summary").focus();
}

function closeOutside(event) {
  if (!event.currentTarget.contains(event.relatedTarget)) event.currentTarget.open = false;
}
