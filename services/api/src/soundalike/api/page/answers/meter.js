// A share as a bar, drawn the same in every browser.

import { html } from "../vendor/lit-html/lit-html.js";
import { percent } from "../formats.js";

/** Return the bar of a share of 0 to 1; `label` is what it measures. */
export function meter(share, label) {
  return html`<span
    class="meter"
    role="meter"
    aria-label=${label}
    aria-valuemin="0"
    aria-valuemax="100"
    aria-valuenow=${Math.round(100 * share)}
    aria-valuetext=${percent(share)}
    ><svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
      <rect width=${100 * share} height="1"></rect></svg
  ></span>`;
}
