// The query as chips: what to sound like, what not, and what is left out.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { changeAddress, parameterValues } from "../address.js";
import { audioFile, dropFile } from "../find/audio_file.js";
import { addSeed, seeds, subtract, takeBack } from "../find/query.js";
import { trackNamed } from "../find/track_names.js";
import { artists } from "../formats.js";
import { icon } from "../icons.js";
import { text } from "../strings.js";

/** Return the chips of the query, nothing where there is none. */
export function seedChips() {
  const chips = [
    ...(audioFile.file ? [{ key: "file", chip: fileChip() }] : []),
    ...seeds().map((id) => ({ key: `track ${id}`, chip: trackChip("track", id) })),
    ...parameterValues("not_like").map((id) => ({ key: `not_like ${id}`, chip: trackChip("not_like", id) })),
    ...parameterValues("exclude").map((id) => ({ key: `exclude ${id}`, chip: trackChip("exclude", id) })),
    ...parameterValues("exclude_artist").map((name) => ({ key: `exclude_artist ${name}`, chip: artistChip(name) })),
  ];
  if (!chips.length) return nothing;
  return html`<ul class="chips" aria-label=${text("queryLabel")}>
    ${repeat(chips, ({ key }) => key, ({ chip }) => html`<li>${chip}</li>`)}
  </ul>`;
}

const LABELS = { track: "chipLike", not_like: "chipNotLike", exclude: "chipExclude" };

function trackChip(name, id) {
  const track = trackNamed(id);
  const title = track?.title || id;
  return html`<span class="chip" data-kind=${name}>
    ${name === "exclude" ? html`<span class="chip-sign">${icon("close")}</span>` : flipButton(name, id, title)}
    <span class="chip-text">
      <span class="chip-kind">${text(LABELS[name])}</span>
      <span class="chip-title">${title}</span>
      ${track ? html`<span class="chip-artist">${artists(track)}</span>` : nothing}
    </span>
    ${removeButton(title, () => takeBack(name, id))}
  </span>`;
}

function flipButton(name, id, title) {
  const isSeed = name === "track";
  return html`<button
    type="button"
    class="chip-sign"
    ?disabled=${isSeed && seeds().length < 2}
    title=${text(isSeed ? "chipSubtract" : "chipAdd")}
    aria-label=${text(isSeed ? "chipSubtractLabel" : "chipAddLabel", { title })}
    @click=${() => (isSeed ? subtract(id) : addSeed(id))}
  >
    ${icon(isSeed ? "plus" : "minus")}
  </button>`;
}

function artistChip(name) {
  return html`<span class="chip" data-kind="exclude">
    <span class="chip-sign">${icon("close")}</span>
    <span class="chip-text"><span class="chip-kind">${text("chipExclude")}</span><span class="chip-title">${name}</span></span>
    ${removeButton(name, () => takeBack("exclude_artist", name))}
  </span>`;
}

function fileChip() {
  return html`<span class="chip" data-kind="track">
    <span class="chip-sign">${icon("file")}</span>
    <span class="chip-text">
      <span class="chip-kind">${text("chipLike")}</span>
      <span class="chip-title">${audioFile.name}</span>
    </span>
    ${removeButton(audioFile.name, () => {
      dropFile();
      changeAddress({ not_like: null, exclude: null, exclude_artist: null });
    })}
  </span>`;
}

function removeButton(title, remove) {
  return html`<button type="button" class="chip-remove" aria-label=${text("chipRemove", { title })} @click=${remove}>
    ${icon("close")}
  </button>`;
}
