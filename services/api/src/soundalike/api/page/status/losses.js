// What is missing now, and what was lost during the last day.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { text } from "../strings.js";
import { ago, dateTime } from "./times.js";

const KINDS = new Set(["bucket", "queue", "dead_letter_queue", "notification", "previews", "index_version", "taste_version"]);

/** Return a notice about what is missing, nothing where all is there. */
export function missing(parts) {
  const clauses = Object.entries(parts);
  if (!clauses.length) return nothing;
  return html`<section class="problem" aria-labelledby="missing-title">
    <h2 id="missing-title">${text("missingTitle")}</h2>
    <ul class="plain-list">
      ${clauses.map(([name, clause]) => html`<li lang="en"><strong>${name}</strong>: ${clause}</li>`)}
    </ul>
  </section>`;
}

/** Return the section about losses, nothing where there were none. */
export function losses(rows) {
  if (!rows.length) return nothing;
  return html`<section class="panel" aria-labelledby="losses-title">
    <h2 id="losses-title">${text("lossesTitle")}</h2>
    <ul class="plain-list">
      ${rows.map(
        (loss) => html`<li>
          ${text(`loss_${KINDS.has(loss.kind) ? loss.kind : "other"}`, loss)}
          <time class="hint" datetime=${loss.noticed_at} title=${dateTime(loss.noticed_at)}>${ago(loss.noticed_at)}</time>
        </li>`,
      )}
    </ul>
  </section>`;
}
