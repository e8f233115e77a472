// How many tracks are in each state, with words on what that means; they add up.

import { html } from "../vendor/lit-html/lit-html.js";
import { language, text } from "../strings.js";

const STATES = ["ready", "queued", "pending", "no_preview", "rejected", "gone", "forgotten"];
const numbers = new Intl.NumberFormat(language);

/** Return the table of the states. */
export function counts({ total, by_state: byState }) {
  const states = [...STATES, ...Object.keys(byState).filter((state) => !STATES.includes(state))];
  return html`<section class="panel" aria-labelledby="counts-title">
    <h2 id="counts-title">${text("countsTitle")}</h2>
    <p class="figure"><strong>${numbers.format(byState.ready)}</strong> ${text("countsReady", { count: byState.ready })}</p>
    <table class="counts">
      <caption class="visually-hidden">${text("countsCaption")}</caption>
      <thead class="visually-hidden">
        <tr>
          <th scope="col">${text("countsState")}</th>
          <th scope="col">${text("countsTracks")}</th>
        </tr>
      </thead>
      <tbody>
        ${states.map((state) => row(state, byState[state] ?? 0, total))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">${text("countsTotal")}</th>
          <td>${numbers.format(total)}</td>
        </tr>
      </tfoot>
    </table>
  </section>`;
}

const row = (state, count, total) => html`<tr class=${count ? "" : "is-zero"} data-state=${state}>
  <th scope="row">
    <span class="state-name">${text(`state_${state}`)}</span>
    <span class="hint">${text(`stateMeaning_${state}`)}</span>
    <meter class="state-share" min="0" max=${Math.max(1, total)} .value=${count} aria-hidden="true"></meter>
  </th>
  <td>${numbers.format(count)}</td>
</tr>`;
