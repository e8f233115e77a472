// The sound of own files: one audio element, and what it takes to begin, seek and go on after a failure.

import { ApiError, request, requestJson } from "../api_client.js";
import { redraw } from "../render.js";

const VOLUME = "soundalike-volume";
const MOST_ATTEMPTS = 3;
/** How far from the announced end a stream may end: lengths of some formats are estimates. */
const TOLERANCE_S = 3;
/** How long a place has to stay the same until a new stream begins there: sliders and keys repeat. */
const SEEK_PAUSE_MS = 250;

const audio = new Audio();
// `offset` is where in the track the stream begins: what is transcoded begins where it was asked to. `target` is where it
// is about to be, null where it is there.
const state = {
  track: null,
  link: null,
  offset: 0,
  target: null,
  isTranscoded: false,
  isLoading: false,
  attempts: 0,
  error: null,
};
let onEnd = () => {};
let shownSecond = -1;
let seekTimer = null;

audio.preload = "auto";
audio.volume = Math.min(1, Number(localStorage.getItem(VOLUME) ?? 1) || 0);

/** Call a function when a track has come to its end. */
export function onTrackEnd(listener) {
  onEnd = listener;
}

/** Return whether it is paused, being loaded, or has failed (`error`), and where it is, in seconds. */
export const soundState = () => ({
  isPaused: audio.paused,
  isLoading: state.isLoading,
  error: state.error,
  position: position(),
  length: length(),
  volume: audio.volume,
  isMuted: audio.muted,
});

/** Play a track from a place on, in seconds. */
export function startSound(track) {
  Object.assign(state, { track, link: null, attempts: 0, isTranscoded: false });
  load(0);
}

/** End what plays. */
export function stopSound() {
  clearTimeout(seekTimer);
  Object.assign(state, { track: null, link: null, error: null, isLoading: false, target: null });
  audio.removeAttribute("src");
  audio.load();
}

/** Pause or go on; after a failure try again. */
export function toggleSound() {
  if (state.error !== null) return void restart();
  if (audio.paused) start();
  else audio.pause();
}

/** Go to a place, in seconds. */
export function seekTo(place) {
  const target = Math.max(0, Math.min(place, (length() ?? Infinity) - 1));
  if (state.link === null || state.error !== null) return;
  if (!state.isTranscoded) {
    audio.currentTime = target;
    return;
  }
  const isPaused = audio.paused && state.target === null;
  state.target = target;
  clearTimeout(seekTimer);
  seekTimer = setTimeout(() => load(target, { isPaused }), SEEK_PAUSE_MS);
  redraw();
}

/** Set how loud it is, 0 to 1. */
export function setVolume(volume) {
  audio.volume = volume;
  audio.muted = false;
  localStorage.setItem(VOLUME, String(volume));
}

/** Silence it, or not. */
export function toggleMute() {
  audio.muted = !audio.muted;
}

function length() {
  const milliseconds = state.link?.duration_ms ?? state.track?.duration_ms;
  if (milliseconds) return milliseconds / 1000;
  return Number.isFinite(audio.duration) ? state.offset + audio.duration : null;
}

const position = () => state.target ?? state.offset + audio.currentTime;

function restart() {
  state.attempts = 0;
  state.link = null;
  load(position());
}

/** Begin a stream at a place; it stays paused where it was so before a seek. */
async function load(place, { isPaused = false } = {}) {
  const { track } = state;
  clearTimeout(seekTimer);
  Object.assign(state, { isLoading: true, error: null, target: place });
  audio.pause();
  redraw();
  try {
    const link = isCurrent(state.link) ? state.link : await requestJson(`audio-links/${encodeURIComponent(track.urn)}`);
    // Somebody has chosen another track, or another place, meanwhile.
    if (state.track !== track || state.target !== place) return;
    state.link = link;
    state.isTranscoded ||= !link.seekable || audio.canPlayType(link.media_type) === "";
    audio.src = address(link, place);
    state.offset = state.isTranscoded ? place : 0;
    if (!state.isTranscoded && place > 0) audio.currentTime = place;
    state.target = null;
    if (!isPaused) await start();
    else state.isLoading = false;
  } catch (error) {
    if (state.track === track) fail(error);
  }
}

const isCurrent = (link) => link !== null && new Date(link.expires_at) > new Date();

function address(link, position) {
  if (!state.isTranscoded) return link.url;
  const parameters = new URLSearchParams();
  if (link.seekable) parameters.set("format", "opus");
  if (position > 0) parameters.set("start", position.toFixed(2));
  const text = parameters.toString();
  return text ? `${link.url}${link.url.includes("?") ? "&" : "?"}${text}` : link.url;
}

async function start() {
  try {
    await audio.play();
  } catch (error) {
    // Of a failure of the sound itself the element tells by an event; a newer load ends an older one.
    if (error.name === "NotAllowedError") state.isLoading = false;
  }
  redraw();
}

function fail(error) {
  Object.assign(state, { isLoading: false, error });
  redraw();
}

/** Go on where the stream broke off, by another way if this one does not work, or say why it cannot be played. */
async function recover() {
  const { track } = state;
  if (track === null || !audio.hasAttribute("src")) return;
  const place = position();
  state.attempts += 1;
  state.link = null;
  const isUnplayable = audio.error !== null && audio.error.code >= MediaError.MEDIA_ERR_DECODE;
  if (isUnplayable && !state.isTranscoded) {
    state.isTranscoded = true;
    return void load(place);
  }
  if (state.attempts < MOST_ATTEMPTS && !isUnplayable) return void load(place);
  const reason = await problemOf(track, place);
  if (state.track === track) fail(reason);
}

/** Return why the API does not give a sound: an audio element does not say. */
async function problemOf(track, place) {
  const controller = new AbortController();
  try {
    const link = await requestJson(`audio-links/${encodeURIComponent(track.urn)}`);
    await request(address(link, place), { signal: controller.signal });
    return new ApiError(422, { type: "urn:soundalike:problem:unplayable" });
  } catch (error) {
    return error;
  } finally {
    controller.abort();
  }
}

function end() {
  const missing = (length() ?? 0) - position();
  if (state.isTranscoded && missing > TOLERANCE_S && state.attempts < MOST_ATTEMPTS) return void recover();
  redraw();
  onEnd();
}

function tell() {
  const second = Math.floor(position());
  if (second !== shownSecond) redraw();
  shownSecond = second;
}

audio.addEventListener("playing", () => {
  state.isLoading = false;
  redraw();
});
audio.addEventListener("waiting", () => {
  state.isLoading = true;
  redraw();
});
audio.addEventListener("timeupdate", tell);
audio.addEventListener("error", recover);
audio.addEventListener("ended", end);
for (const event of ["play", "pause", "durationchange", "volumechange", "seeked"]) audio.addEventListener(event, redraw);
