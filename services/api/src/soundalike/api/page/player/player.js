// The player at the bottom of every view: what plays, what comes before and after it, and its controls.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { live } from "../vendor/lit-html/directives/live.js";
import { announce } from "../announcer.js";
import { artists, duration, sourceName, webLink } from "../formats.js";
import { icon } from "../icons.js";
import { openKeyDialog } from "../key_dialog.js";
import { problemText } from "../problems.js";
import { redraw } from "../render.js";
import { text } from "../strings.js";
import { embed, isEmbedEnabled } from "./embeds.js";
import { installMediaKeys, showOnSystem } from "./media_session.js";
import {
  onTrackEnd,
  seekTo,
  setVolume,
  soundState,
  startSound,
  stopSound,
  toggleMute,
  toggleSound,
} from "./sound.js";

const RESTART_AFTER_S = 3;

// `dragged` is where the slider is held, in seconds, while somebody moves it.
const state = { track: null, queue: [], dragged: null };

/** Return how a track can be played here: "file", "embed", or null for not at all. */
export function playable(track) {
  if (track.source === "file") return "file";
  return isEmbedEnabled(track.source) ? "embed" : null;
}

/** Play a track; `queue` is the list in which previous and next move. */
export function play(track, queue = [track]) {
  Object.assign(state, { track, queue, dragged: null });
  announce(text("playerStarted", { title: track.title, artists: artists(track) }));
  if (playable(track) === "file") startSound(track);
  else stopSound();
  showOnSystem(track);
  redraw();
}

/** Pause or go on. */
export function toggle() {
  if (isOwn()) toggleSound();
}

/** Return what plays, `{urn, isPaused}`, or null. */
export function playing() {
  if (state.track === null) return null;
  return { urn: state.track.urn, isPaused: isOwn() && soundState().isPaused };
}

/** Go some seconds forth, or back where they are negative. */
export function seekBy(seconds) {
  if (isOwn()) seekTo(soundState().position + seconds);
}

/** Play the track before; somewhere in a track, that track from its beginning. */
export function playPrevious() {
  if (isOwn() && soundState().position > RESTART_AFTER_S) return seekTo(0);
  const previous = neighbour(-1);
  if (previous) play(previous, state.queue);
}

/** Play the track after. */
export function playNext() {
  const next = neighbour(1);
  if (next) play(next, state.queue);
}

/** Return the bar; nothing before something is played. */
export function playerBar() {
  const { track } = state;
  if (track === null) return nothing;
  return html`<section class="player" aria-label=${text("playerLabel")}>
    <div class="player-buttons">
      ${button("previous", text("playerPrevious"), playPrevious, { isDisabled: !neighbour(-1) && !isOwn() })}
      ${isOwn() ? mainButton() : nothing}
      ${button("next", text("playerNext"), playNext, { isDisabled: !neighbour(1) })}
    </div>
    <div class="player-names">
      <p class="player-title">${track.title}</p>
      <p class="player-artists">${artists(track)}</p>
    </div>
    ${isOwn() ? seekBar() : embedHead(track)}
    <div class="player-end">
      ${isOwn() ? volumeControl() : nothing} ${button("close", text("playerClose"), close)}
    </div>
    ${isOwn() ? errorLine() : embed(track)}
  </section>`;
}

const isOwn = () => state.track !== null && playable(state.track) === "file";

function button(picture, label, action, { isDisabled = false, isMain = false } = {}) {
  return html`<button
    type="button"
    class=${isMain ? "player-button player-main" : "player-button"}
    aria-label=${label}
    title=${label}
    ?disabled=${isDisabled}
    @click=${action}
  >
    ${icon(picture)}
  </button>`;
}

function mainButton() {
  const { isPaused, isLoading, error } = soundState();
  if (error !== null) return button("reset", text("playerRetry"), toggle, { isMain: true });
  const label = text(isPaused ? "playerPlay" : "playerPause");
  return html`<span class="player-main-place" data-loading=${isLoading && !isPaused ? "true" : "false"}
    >${button(isPaused ? "play" : "pause", label, toggle, { isMain: true })}</span
  >`;
}

function seekBar() {
  const { position, length } = soundState();
  const shown = state.dragged ?? Math.min(position, length ?? position);
  const total = length === null ? text("playerLengthUnknown") : duration(length * 1000);
  return html`<div class="player-seek">
    <span aria-hidden="true">${duration(Math.floor(shown) * 1000)}</span>
    <input
      type="range"
      min="0"
      max=${Math.max(1, Math.ceil(length ?? shown + 1))}
      step="1"
      aria-label=${text("playerPosition")}
      aria-valuetext=${text("playerPositionOf", { position: duration(Math.floor(shown) * 1000), length: total })}
      .value=${live(String(Math.floor(shown)))}
      @input=${drag}
      @change=${release}
    />
    <span aria-hidden="true">${length === null ? "" : total}</span>
  </div>`;
}

function drag(event) {
  state.dragged = event.target.valueAsNumber;
  redraw();
}

function release(event) {
  state.dragged = null;
  seekTo(event.target.valueAsNumber);
  redraw();
}

function volumeControl() {
  const { volume, isMuted } = soundState();
  const isSilent = isMuted || volume === 0;
  return html`<div class="player-volume">
    ${button(isSilent ? "muted" : "volume", text(isMuted ? "playerUnmute" : "playerMute"), toggleMute)}
    <input
      type="range"
      min="0"
      max="1"
      step="0.05"
      aria-label=${text("playerVolume")}
      .value=${live(String(isMuted ? 0 : volume))}
      @input=${(event) => setVolume(event.target.valueAsNumber)}
    />
  </div>`;
}

// The region is there from the beginning, or its text would not be read.
function errorLine() {
  const { error } = soundState();
  return html`<div class="player-error" role="alert">
    ${error === null
      ? nothing
      : html`<p>${problemText(error)}</p>
          ${error.status === 401 || error.status === 403
            ? html`<button type="button" class="button" @click=${openKeyDialog}>${text("keyEnter")}</button>`
            : nothing}`}
  </div>`;
}

function embedHead(track) {
  const link = webLink(track);
  return html`<p class="player-service">
    ${text("playerEmbedHint", { source: sourceName(track.source) })}
    ${link ? html`<a href=${link} target="_blank" rel="noopener noreferrer">${text("playerOpen", { source: sourceName(track.source) })}</a>` : nothing}
  </p>`;
}

function close() {
  Object.assign(state, { track: null, queue: [], dragged: null });
  stopSound();
  redraw();
}

/** Return the next track in a direction that can be played; null where there is none. */
function neighbour(step) {
  const index = state.queue.findIndex(({ urn }) => urn === state.track?.urn);
  if (index < 0) return null;
  for (let at = index + step; at >= 0 && at < state.queue.length; at += step) {
    if (playable(state.queue[at]) !== null) return state.queue[at];
  }
  return null;
}

onTrackEnd(() => {
  const next = neighbour(1);
  // The player of a service is loaded only when somebody asks for it.
  if (next && playable(next) === "file") play(next, state.queue);
});
installMediaKeys({ toggle, playPrevious, playNext, seekBy, seekTo, soundState });
