// The view in which music is looked for: the query, its answer, its settings.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { answer } from "../answers/answer.js";
import { answersView } from "../answers/answers_view.js";
import { seedChips } from "../answers/seed_chips.js";
import { exportView } from "../export/export_view.js";
import { icon } from "../icons.js";
import { redraw } from "../render.js";
import { text } from "../strings.js";
import { changedCount } from "../tune/settings.js";
import { tuneView } from "../tune/tune_view.js";
import { searchBox, seedUse } from "./search_box.js";
import { otherWays, start } from "./start.js";

const wide = matchMedia("(min-width: 62rem)");
wide.addEventListener("change", redraw);

/** Return the view. */
export function findView() {
  const hasQuery = answer.phase !== "none";
  return html`<div class="find" data-query=${hasQuery ? "true" : "false"}>
    <section class="hero">
      <h1>${text(hasQuery ? "findTitleShort" : "findTitle")}</h1>
      ${hasQuery ? nothing : html`<p class="lead">${text("findLead")}</p>`}
      <div class="query">${searchBox()} ${otherWays()}</div>
      ${hasQuery ? html`<div class="query-parts">${seedChips()} ${seedUse()}</div>` : nothing}
    </section>
    ${hasQuery
      ? html`<div class="columns">
          ${wide.matches ? nothing : fold()} ${answersView()}
          <aside class="side" aria-label=${text("sideLabel")}>
            ${wide.matches ? tuneView() : nothing} ${exportView()}
          </aside>
        </div>`
      : start()}
  </div>`;
}

// Where there is no room beside the answer, a line above it opens the settings.
function fold() {
  const changed = changedCount();
  return html`<details class="tune-fold">
    <summary>
      ${icon("tune")} ${text("tuneTitle")}
      ${changed ? html`<span class="badge">${text("tuneChanged", { count: changed })}</span>` : nothing}
    </summary>
    ${tuneView()}
  </details>`;
}
