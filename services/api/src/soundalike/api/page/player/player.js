// What plays: one audio element for own files, the service's own player for everything else.

import { html } from "../vendor/lit-html/lit-html.js";
import { requestJson } from "../api_client.js";
import { redraw } from "../render.js";
import { text } from "../strings.js";

const EMBEDS = new Set(["spotify", "deezer", "soundcloud"]);

const audio = new Audio();
const state = { track: null, queue: [], error: null };

for (const event of ["play", "pause", "ended", "timeupdate", "durationchange"]) audio.addEventListener(event, redraw);

/** Return how a track can be played here: "file", "embed", or null for not at all. */
export function playable(track) {
  if (track.source === "file") return "file";
  return EMBEDS.has(track.source) ? "embed" : null;
}

/** Play a track; `queue` is the list in which previous and next move. */
export async function play(track, queue = [track]) {
  Object.assign(state, { track, queue, error: null });
  audio.pause();
  redraw();
  if (playable(track) !== "file") return;
  try {
    const link = await requestJson(`audio-links/${encodeURIComponent(track.urn)}`);
    if (state.track !== track) return;
    audio.src = link.url;
    await audio.play();
  } catch (error) {
    if (state.track === track) state.error = error.message;
  }
  redraw();
}

/** Pause or go on. */
export function toggle() {
  if (state.track === null) return;
  if (audio.paused) audio.play();
  else audio.pause();
}

/** Return what plays, `{urn, isPaused}`, or null. */
export const playing = () => (state.track === null ? null : { urn: state.track.urn, isPaused: audio.paused });

/** Return the bar at the bottom of every view. */
export function playerBar() {
  const { track, error } = state;
  if (track === null) return html``;
  return html`<section class="player" aria-label=${text("playerLabel")}>
    <button type="button" @click=${toggle}>${text(audio.paused ? "playerPlay" : "playerPause")}</button>
    <span>${track.title} · ${track.artists.join(", ")}</span>
    <span role="status">${error ?? ""}</span>
  </section>`;
}
