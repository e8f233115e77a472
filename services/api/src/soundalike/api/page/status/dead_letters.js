// Previews that were given up, with their reasons, and buttons to try them again.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { requestJson, sendJson } from "../api_client.js";
import { announce } from "../announcer.js";
import { problemNotice } from "../problems.js";
import { redraw } from "../render.js";
import { text } from "../strings.js";
import { ago, dateTime } from "./times.js";
import { onStatus } from "./status_stream.js";

const MAX_SHOWN = 20;

const list = { letters: [], total: 0, error: null, isBusy: false };

onStatus((status, previous) => {
  if (status.dead_letters !== previous?.dead_letters) load();
});

/** Return the section about dead letters; `count` is null while the queue does not answer. */
export function deadLetters(count) {
  const total = Math.max(count ?? 0, list.total);
  return html`<section class="panel" aria-labelledby="letters-title">
    <div class="section-head">
      <h2 id="letters-title">${text("lettersTitle")}</h2>
      ${total
        ? html`<button type="button" class="button" ?disabled=${list.isBusy} @click=${() => retry({ all: true })}>
            ${text("lettersRetryAll", { count: total })}
          </button>`
        : nothing}
    </div>
    ${count === null ? html`<p class="hint">${text("notAvailable")}</p>` : total ? html`<p>${text("lettersMeaning", { count: total })}</p>` : html`<p class="hint">${text("lettersNone")}</p>`}
    ${list.error ? problemNotice(list.error) : nothing}
    ${list.letters.length
      ? html`<ul class="letters">
          ${repeat(list.letters, ({ id }) => id, letter)}
        </ul>`
      : nothing}
    ${list.total > list.letters.length ? html`<p class="hint">${text("lettersMore", { count: list.total - list.letters.length })}</p>` : nothing}
  </section>`;
}

const letter = ({ id, urn, title, reason, received_at: receivedAt, attempts }) => html`<li data-letter=${id}>
  <div>
    <p class="letter-name">${title ?? urn ?? text("lettersNoTrack")}</p>
    <p class="letter-reason" lang="en">${reason}</p>
    <p class="hint">
      ${attempts ? `${text("lettersAttempts", { count: attempts })} · ` : nothing}<time datetime=${receivedAt} title=${dateTime(receivedAt)}>${ago(receivedAt)}</time>
    </p>
  </div>
  <button type="button" class="button" ?disabled=${list.isBusy} aria-label=${text("lettersRetryOf", { name: title ?? urn ?? id })} @click=${() => retry({ ids: [id] })}>
    ${text("tryAgain")}
  </button>
</li>`;

async function load() {
  try {
    Object.assign(list, await requestJson(`dead-letters?n=${MAX_SHOWN}`), { error: null });
  } catch (error) {
    // Reasons are for those who may try again; that there are some is told to everybody.
    const isForbidden = error.status === 401 || error.status === 403;
    Object.assign(list, { letters: [], total: 0, error: isForbidden ? null : error });
  }
  redraw();
}

async function retry(order) {
  list.isBusy = true;
  redraw();
  try {
    const { retried } = await sendJson("dead-letters/retry", order);
    list.error = null;
    announce(text("lettersRetried", { count: retried }));
  } catch (error) {
    list.error = error;
  }
  list.isBusy = false;
  if (list.error === null) await load();
  redraw();
}
