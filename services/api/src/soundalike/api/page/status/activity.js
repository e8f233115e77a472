// What is analysed right now and was last, how fast, and how long the rest takes.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { artists } from "../formats.js";
import { text } from "../strings.js";
import { ago, dateTime, secondsSince, timeLeft } from "./times.js";

/** Return the section about the analysis. */
export function activity({ analysis, queue, requests }) {
  return html`<section class="panel" aria-labelledby="activity-title">
    <h2 id="activity-title">${text("activityTitle")}</h2>
    <p class="figure">${summary(analysis, queue)}</p>
    ${analysis.active.length ? active(analysis.active) : nothing} ${recent(analysis.recent)}
    <dl class="facts">
      ${fact("queueTitle", queue ? text("queueDepth", { visible: queue.visible, flight: queue.in_flight, delayed: queue.delayed }) : text("notAvailable"))}
      ${fact("requestsTitle", requested(requests))}
    </dl>
  </section>`;
}

/** Return a name and a value of a list of facts. */
export const fact = (name, value) => html`<div><dt>${text(name)}</dt><dd>${value}</dd></div>`;

function summary({ waiting, active: running, per_minute: perMinute, remaining_s: remaining }, queue) {
  if (!waiting && !running.length) return text("activityIdle");
  const parts = [text("activityWaiting", { count: waiting })];
  if (perMinute !== null) parts.push(text("activityRate", { count: Math.max(1, Math.round(perMinute)) }));
  if (waiting && remaining !== null) parts.push(timeLeft(remaining));
  // What an extractor has taken from the queue it is about to begin with.
  if (waiting && !running.length && perMinute === null && !queue?.in_flight) parts.push(text("activityStalled"));
  return parts.join(" · ");
}

const active = (tracks) => html`<h3>${text("activityNow")}</h3>
  <ul class="track-list" data-list="active">
    ${repeat(
      tracks,
      ({ urn }) => urn,
      (track) => html`<li>
        <span class="pulse" aria-hidden="true"></span>
        <span class="track-name">${track.title || track.urn} <span class="hint">${artists(track)}</span></span>
        <span class="hint">${text("activitySince", { count: secondsSince(track.since) })}</span>
      </li>`,
    )}
  </ul>`;

const recent = (tracks) => html`<h3>${text("activityRecent")}</h3>
  ${tracks.length
    ? html`<ul class="track-list" data-list="recent">
        ${repeat(
          tracks,
          ({ urn }) => urn,
          (track) => html`<li>
            <span class="track-name">${track.title || track.urn} <span class="hint">${artists(track)}</span></span>
            <time class="hint" datetime=${track.at} title=${dateTime(track.at)}>${ago(track.at)}</time>
          </li>`,
        )}
      </ul>`
    : html`<p class="hint">${text("activityNone")}</p>`}`;

function requested({ due, next_due: nextDue }) {
  if (due) return text("requestsDue", { count: due });
  return nextDue ? text("requestsNext", { moment: dateTime(nextDue) }) : text("requestsNone");
}
