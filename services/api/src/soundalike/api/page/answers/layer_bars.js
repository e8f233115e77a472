// How similar a result is in each layer of the network, as a small picture and as bars with words.

import { html } from "../vendor/lit-html/lit-html.js";
import { percent } from "../formats.js";
import { meter } from "./meter.js";
import { layerMeaning, layerName } from "./score.js";

const HEIGHT = 20;

/** Return five small bars beside each other: decoration, with the numbers in `layerBars`. */
export function layerPicture(alike) {
  const shares = Object.values(alike);
  return html`<svg class="layer-picture" viewBox=${`0 0 ${shares.length * 5} ${HEIGHT}`} aria-hidden="true">
    ${shares.map((share, index) => bar(index, Math.max(1.5, contrast(share) * HEIGHT)))}
  </svg>`;
}

/** Return a bar for each layer, with what is heard in it. */
export function layerBars(alike) {
  return html`<dl class="layers">
    ${Object.entries(alike).map(
      ([layer, share]) => html`<div class="layer">
        <dt>${layerName(layer)}</dt>
        <dd>
          ${meter(share, layerName(layer))}
          <span class="layer-number">${percent(share)}</span>
          <span class="layer-meaning">${layerMeaning(layer)}</span>
        </dd>
      </div>`,
    )}
  </dl>`;
}

// Results are among the most similar of all pairs, so that their shares differ in the last percents.
const contrast = (share) => share ** 3;

// Elements of a picture are made by the parser only within one: a path for each bar needs no second template.
const bar = (index, height) => html`<svg x=${index * 5} y=${HEIGHT - height} width="3.5" height=${height}>
  <rect width="100%" height="100%" rx="1"></rect>
</svg>`;
