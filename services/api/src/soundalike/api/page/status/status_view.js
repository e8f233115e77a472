// The status page: what the platform holds and does right now.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { announce } from "../announcer.js";
import { problemNotice } from "../problems.js";
import { text } from "../strings.js";
import { activity } from "./activity.js";
import { counts } from "./counts.js";
import { crawls } from "./crawls.js";
import { deadLetters } from "./dead_letters.js";
import { losses, missing } from "./losses.js";
import { indexAndModels, libraries } from "./parts.js";
import { connection, onStatus, openStream } from "./status_stream.js";

// Only what somebody waits for is read aloud, never each number.
onStatus((status, previous) => {
  if (previous?.analysis.waiting && !status.analysis.waiting) announce(text("statusAllAnalysed"));
  for (const crawl of status.crawls) {
    const before = previous?.crawls.find(({ id }) => id === crawl.id);
    if (before && before.state !== crawl.state) {
      announce(text(`crawlTold_${crawl.state}`, { id: crawl.id }));
    }
  }
});

/** Return the view. */
export function statusView() {
  openStream();
  const { phase, status, error } = connection;
  return html`<div class="status">
    <div class="status-head">
      <h1>${text("statusTitle")}</h1>
      <p class="live live-${phase}"><span class="live-dot" aria-hidden="true"></span> ${text(`statusPhase_${phase}`)}</p>
    </div>
    ${error ? problemNotice(error) : nothing} ${status ? content(status) : phase === "refused" || error ? nothing : skeleton()}
  </div>`;
}

const content = (status) => html`
  ${missing(status.missing)}
  <div class="status-grid">
    <div class="status-column">${counts(status)} ${crawls(status)} ${libraries(status.libraries)}</div>
    <div class="status-column">
      ${activity(status)} ${deadLetters(status.dead_letters)} ${indexAndModels(status)} ${losses(status.losses)}
    </div>
  </div>
`;

const skeleton = () => html`<p class="visually-hidden">${text("statusLoading")}</p>
  <div class="status-grid" aria-hidden="true">
    <div class="panel skeleton-panel"></div>
    <div class="panel skeleton-panel"></div>
  </div>`;
