// The answer to the query in the address: asked for after every change, and never overwritten by an older one.

import { onAddressChange } from "../address.js";
import { onApiKeyChange, requestJson, sendFile } from "../api_client.js";
import { announce } from "../announcer.js";
import { audioFile, dropFile, fileRequest, onAudioFileChange } from "../find/audio_file.js";
import { seeds } from "../find/query.js";
import { remember } from "../find/track_names.js";
import { isTemporary } from "../problems.js";
import { redraw } from "../render.js";
import { text } from "../strings.js";
import { recommendParameters } from "./parameters.js";

/** A slider changes the address many times a second; the API is asked this often at most. */
const INTERVAL_MS = 250;
const FILE_INTERVAL_MS = 800;
/** What is there sooner replaces the last answer without anything in between. */
const PATIENCE_MS = 150;
const RETRY_S = 5;
const MAX_RETRIES = 60;

/**
 * `phase`: `none`, `loading`, `ready` or `failed`. `recommendation` stays while the next one loads; `isSlow` tells that
 * it takes longer than one notices; `progress` is the part of a file that was sent, 0 to 1; `willRetry` that the page
 * asks again by itself.
 */
export const answer = {
  phase: "none",
  recommendation: null,
  error: null,
  isSlow: false,
  progress: null,
  willRetry: false,
};

let controller = null;
let timer = null;
let patience = null;
let requestedAt = 0;
let query = "";
let retries = 0;

/** Keep the answer that of the address, from now on. */
export function installAnswer() {
  onAddressChange(() => {
    if (seeds().length) dropFile();
    update();
  });
  onAudioFileChange(() => update({ isForced: true }));
  onApiKeyChange(() => answer.phase !== "none" && update({ isForced: true }));
  update();
}

/** Ask again. */
export const reload = () => update({ isForced: true });

function update({ isForced = false } = {}) {
  const isFile = audioFile.file !== null;
  const next = isFile || seeds().length ? `${isFile}?${recommendParameters({ isFile })}` : "";
  if (next === query && !isForced) return;
  query = next;
  retries = 0;
  stop();
  if (!next) return set({ phase: "none", recommendation: null, error: null });
  const interval = isFile ? FILE_INTERVAL_MS : INTERVAL_MS;
  set({ phase: "loading", error: answer.error });
  patience = setTimeout(() => set({ isSlow: true }), PATIENCE_MS);
  timer = setTimeout(load, Math.max(0, requestedAt + interval - performance.now()));
}

async function load() {
  requestedAt = performance.now();
  const own = (controller = new AbortController());
  const change = await fetchAnswer(own.signal);
  if (change === null || own.signal.aborted) return;
  clearTimeout(patience);
  set({ ...change, isSlow: false, progress: null });
  if (change.willRetry) timer = setTimeout(load, 1000 * (change.error.retryAfterS ?? RETRY_S));
  else announce(announcement(change));
}

async function fetchAnswer(signal) {
  try {
    const recommendation = await (audioFile.file ? sendAudio(signal) : fetchByTracks(signal));
    retries = 0;
    recommendation.results.forEach((track) => remember(track));
    return { phase: "ready", recommendation, error: null, willRetry: false };
  } catch (error) {
    if (error.name === "AbortError") return null;
    // A file is sent again only when somebody says so.
    const willRetry = isTemporary(error) && audioFile.file === null && retries++ < MAX_RETRIES;
    return { phase: "failed", recommendation: null, error, willRetry };
  }
}

async function fetchByTracks(signal) {
  const ids = seeds();
  const recommendation = await requestJson(`recommend?${recommendParameters()}`, { signal });
  const { seeds: named } = recommendation;
  named.forEach((track, index) => remember(track, named.length === ids.length ? ids[index] : track.urn));
  (recommendation.not_like ?? []).forEach((track) => remember(track));
  return recommendation;
}

async function sendAudio(signal) {
  const { body, headers } = fileRequest();
  const onProgress = (progress) => set({ progress });
  onProgress(0);
  const parameters = recommendParameters({ isFile: true });
  return JSON.parse(await sendFile(`recommend?${parameters}`, body, { headers, onProgress, signal }));
}

function stop() {
  controller?.abort();
  clearTimeout(timer);
  clearTimeout(patience);
  Object.assign(answer, { isSlow: false, progress: null, willRetry: false });
}

function set(change) {
  Object.assign(answer, change);
  redraw();
}

function announcement({ recommendation }) {
  return recommendation ? text("resultsAnnouncement", { count: recommendation.results.length }) : "";
}
