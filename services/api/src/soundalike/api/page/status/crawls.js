// Crawls: a form to start one, and how those went that were started.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { announce } from "../announcer.js";
import { requestJson, sendJson } from "../api_client.js";
import { problemNotice } from "../problems.js";
import { redraw } from "../render.js";
import { text } from "../strings.js";
import { ago, dateTime } from "./times.js";

const isPath = (value) => /^[/\\]|^[A-Za-z]:[\\/]|^~/.test(value);
const COUNTED = ["uploaded", "skipped", "no_preview", "rejected", "failed"];

const form = { source: "", error: null, isBusy: false };

/** Start a crawl again over a library that is known. */
export const crawlLibrary = (library) => start({ library });

/** Return the section about crawls. */
export function crawls({ crawls: rows, has_watcher: hasWatcher }) {
  return html`<section class="panel" aria-labelledby="crawls-title">
    <h2 id="crawls-title">${text("crawlsTitle")}</h2>
    ${hasWatcher ? nothing : html`<p class="notice-bar" role="status">${text("crawlsNoWatcher")}</p>`}
    <form class="crawl-form" @submit=${submit}>
      <label class="field" for="crawl-source">${text("crawlsSource")}</label>
      <div class="crawl-row">
        <input
          id="crawl-source"
          autocomplete="off"
          spellcheck="false"
          required
          maxlength="2000"
          aria-describedby="crawl-hint"
          placeholder=${text("crawlsPlaceholder")}
          .value=${form.source}
          @input=${(event) => (form.source = event.target.value)}
        />
        <button class="button button-primary" ?disabled=${form.isBusy}>${text("crawlsStart")}</button>
      </div>
      <p class="hint" id="crawl-hint">${text("crawlsHint")}</p>
    </form>
    ${form.error ? problemNotice(form.error) : nothing}
    ${rows.length
      ? html`<ul class="crawls">
          ${repeat(rows, ({ id }) => id, crawl)}
        </ul>`
      : html`<p class="hint">${text("crawlsNone")}</p>`}
  </section>`;
}

function crawl(row) {
  const isOpen = row.state === "waiting" || row.state === "running";
  const moment = row.ended_at ?? row.started_at ?? row.requested_at;
  const name = row.source.name ?? text(`crawlKind_${row.source.kind}`);
  return html`<li data-crawl=${row.id} class="crawl">
    <div class="crawl-head">
      <span class="badge crawl-${row.state}">${text(`crawlState_${row.state}`)}</span>
      <span class="crawl-name">${name}</span>
      <time class="hint" datetime=${moment} title=${dateTime(moment)}>${ago(moment)}</time>
      ${isOpen
        ? html`<button type="button" class="button" aria-label=${text("crawlsStopOf", { name })} @click=${() => stop(row.id)}>${text("crawlsStop")}</button>`
        : nothing}
    </div>
    ${row.state === "running" ? bar(row.progress, name) : nothing}
    ${row.error ? html`<p class="warning" lang="en">${row.error}</p>` : nothing}
    <p class="hint">${outcome(row)}</p>
  </li>`;
}

function bar({ seen = 0, total }, name) {
  const label = text("crawlProgressOf", { name });
  return total ? html`<progress max=${total} .value=${seen} aria-label=${label}></progress>` : html`<progress aria-label=${label}></progress>`;
}

function outcome({ progress, state }) {
  if (progress.seen === undefined) return nothing;
  // The total is an estimate: a scan counts files of which some turn out to be no tracks.
  const seen = progress.total === undefined || state === "done" ? text("crawlSeen", { count: progress.seen }) : text("crawlSeenOf", { seen: progress.seen, total: progress.total });
  const parts = COUNTED.filter((name) => progress[name]).map((name) => text(`crawlOutcome_${name}`, { count: progress[name] }));
  return [seen, ...parts].join(" · ");
}

function submit(event) {
  event.preventDefault();
  const source = form.source.trim();
  if (source) start(isPath(source) ? { folder: source } : { playlist: source });
}

async function start(order) {
  await change(async () => {
    await sendJson("crawls", order);
    form.source = "";
    announce(text("crawlsStarted"));
  });
}

const stop = (id) => change(async () => void (await requestJson(`crawls/${id}`, { method: "DELETE" })));

async function change(action) {
  form.isBusy = true;
  redraw();
  try {
    await action();
    form.error = null;
  } catch (error) {
    form.error = error;
  }
  form.isBusy = false;
  redraw();
}
