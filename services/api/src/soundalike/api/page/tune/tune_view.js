// The settings of a query, beside its answer.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { live } from "../vendor/lit-html/directives/live.js";
import { parameter, parameterValues } from "../address.js";
import { audioFile } from "../find/audio_file.js";
import { percent, sourceName } from "../formats.js";
import { icon } from "../icons.js";
import { text } from "../strings.js";
import { changeSettings, resetTune, setting, settingText } from "./settings.js";
import { slider } from "./slider.js";
import { allTags, chosenTags, loadTags, tagPill } from "./tag_filter.js";
import { tasteExists } from "./taste.js";

const SOURCES = ["file", "spotify", "deezer", "soundcloud"];
const UNLIMITED = 100;
const LIMITS = [1, 2, 3, 5, 10, UNLIMITED];
const STRICTNESS = [
  [0.95, "strictnessNarrow"],
  [0.8, "strictnessFocused"],
  [0.5, "strictnessBalanced"],
  [0.01, "strictnessWide"],
  [0, "strictnessAdventurous"],
];
const VARIETY = [
  [0.75, "varietyMost"],
  [0.35, "varietyMuch"],
  [0.01, "varietySome"],
  [0, "varietyNone"],
];

const word = (steps, value) => text(steps.find(([least]) => value >= least)[1]);

/** Return the settings. */
export function tuneView() {
  return html`<div class="tune">
    <div class="section-head">
      <h2>${icon("tune")} ${text("tuneTitle")}</h2>
      <button type="button" class="text-button" @click=${resetTune}>${icon("reset")} ${text("reset")}</button>
    </div>
    ${strictness()} ${variety()} ${audioFile.file === null && tasteExists() ? taste() : nothing} ${count()}
    <div class="fields">${limit("max_per_artist", "perArtist")} ${limit("max_per_album", "perAlbum")}</div>
    ${lengths()} ${tagList()} ${sources()}
  </div>`;
}

function strictness() {
  const value = setting("min_score");
  return slider({
    id: "strictness",
    label: text("strictness"),
    hint: text("strictnessHint"),
    max: 0.99,
    step: 0.01,
    value,
    words: value ? `${word(STRICTNESS, value)} (${text("strictnessFrom", { share: percent(value) })})` : word(STRICTNESS, value),
    ends: [text("strictnessAdventurous"), text("strictnessFocused")],
    changes: (min_score) => ({ min_score }),
  });
}

function variety() {
  const value = setting("diversity");
  return slider({
    id: "variety",
    label: text("variety"),
    hint: text("varietyHint"),
    value,
    words: word(VARIETY, value),
    ends: [text("varietyNone"), text("varietyMost")],
    changes: (diversity) => ({ diversity }),
  });
}

function taste() {
  const by = settingText("by") ?? "sound";
  const value = { sound: 0, taste: 1 }[by] ?? setting("blend");
  return slider({
    id: "taste",
    label: text("taste"),
    hint: text("tasteHint"),
    value,
    words: { 0: text("tasteSound"), 1: text("tasteTaste") }[value] ?? text("tasteBoth", { share: percent(value) }),
    ends: [text("signalSound"), text("signalTaste")],
    changes: (blend) => {
      if (blend === 0) return { by: null, blend: null };
      return blend === 1 ? { by: "taste", blend: null } : { by: "both", blend };
    },
  });
}

function count() {
  const value = setting("n");
  return slider({
    id: "count",
    label: text("resultCount"),
    hint: text("resultCountHint"),
    min: 1,
    max: 100,
    step: 1,
    value,
    words: text("resultCountWords", { count: value }),
    ends: ["1", "100"],
    changes: (n) => ({ n }),
  });
}

function limit(name, label) {
  const value = setting(name);
  const options = LIMITS.includes(value) ? LIMITS : [...LIMITS, value].sort((one, other) => one - other);
  return html`<label class="field">
    <span>${text(label)}</span>
    <select @change=${(event) => changeSettings({ [name]: event.target.value })}>
      ${options.map(
        (each) => html`<option value=${each} .selected=${live(each === value)}>
          ${each === UNLIMITED ? text("noLimit") : text("atMost", { count: each })}
        </option>`,
      )}
    </select>
  </label>`;
}

function lengths() {
  return html`<fieldset class="group">
    <legend>${text("length")}</legend>
    <div class="fields">${minutes("min_duration", "lengthFrom")} ${minutes("max_duration", "lengthTo")}</div>
  </fieldset>`;
}

function minutes(name, label) {
  const seconds = setting(name);
  return html`<label class="field">
    <span>${text(label)}</span>
    <input
      type="number"
      min="0"
      max="1440"
      step="0.5"
      inputmode="decimal"
      placeholder=${text("anyLength")}
      .value=${live(seconds === null ? "" : String(seconds / 60))}
      @change=${(event) => changeMinutes(name, event.target)}
    />
  </label>`;
}

function changeMinutes(name, field) {
  // A field with no number in it, or one out of range, counts as empty.
  const value = field.valueAsNumber;
  const isValid = Number.isFinite(value) && value >= 0 && value <= 1440;
  changeSettings({ [name]: isValid ? Math.round(value * 60) : null });
  if (!isValid) field.value = "";
}

function tagList() {
  const chosen = chosenTags();
  return html`<fieldset class="group">
    <legend>${text("tags")}</legend>
    ${chosen.length ? html`<div class="pills">${chosen.map(tagPill)}</div>` : nothing}
    <details @toggle=${(event) => event.target.open && loadTags()}>
      <summary>${text("tagsAll")}</summary>
      <p class="hint">${text("tagHint")}</p>
      <div class="pills">${allTags().map(tagPill)}</div>
    </details>
  </fieldset>`;
}

function sources() {
  const chosen = parameterValues("source");
  return html`<fieldset class="group">
    <legend>${text("sources")}</legend>
    <div class="checks">
      ${SOURCES.map(
        (source) => html`<label>
          <input
            type="checkbox"
            .checked=${live(!chosen.length || chosen.includes(source))}
            @change=${(event) => changeSource(source, event.target.checked)}
          />
          <span>${sourceName(source)}</span>
        </label>`,
      )}
    </div>
  </fieldset>`;
}

// All sources and none are the same to the API: no condition.
function changeSource(source, isChosen) {
  const present = parameter("source") ? parameterValues("source") : SOURCES;
  const next = SOURCES.filter((each) => (each === source ? isChosen : present.includes(each)));
  changeSettings({ source: next.length === SOURCES.length ? null : next });
}
