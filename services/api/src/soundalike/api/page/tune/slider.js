// A slider whose value is also written in words.

import { html } from "../vendor/lit-html/lit-html.js";
import { live } from "../vendor/lit-html/directives/live.js";
import { dragSettings, endDrag } from "./settings.js";

/**
 * Return a slider.
 *
 * `words` is the value as it is read; `ends` are the texts below its two ends; `changes` makes settings of a value.
 */
export function slider({ id, label, hint, min = 0, max = 1, step = 0.05, value, words, ends, changes }) {
  return html`<div class="slider">
    <div class="slider-head">
      <label for=${id}>${label}</label>
      <output for=${id}>${words}</output>
    </div>
    <input
      id=${id}
      type="range"
      min=${min}
      max=${max}
      step=${step}
      aria-valuetext=${words}
      aria-describedby=${`${id}-hint`}
      .value=${live(String(value))}
      @input=${(event) => dragSettings(changes(event.target.valueAsNumber))}
      @change=${endDrag}
    />
    <div class="slider-ends" aria-hidden="true"><span>${ends[0]}</span><span>${ends[1]}</span></div>
    <p class="hint" id=${`${id}-hint`}>${hint}</p>
  </div>`;
}
