// A few tracks to start from, and with them whether the catalogue holds any.

import { ApiError, onApiKeyChange, requestJson } from "../api_client.js";
import { redraw } from "../render.js";
import { announce } from "../announcer.js";
import { text } from "../strings.js";
import { startFrom } from "./query.js";
import { remember } from "./track_names.js";

const COUNT = 6;
const WAIT_MS = 5_000;

/** `phase`: `unknown`, `empty`, `waiting` for the analysis of the first tracks, `ready`, or `failed` with `error`. */
export const catalogue = { phase: "unknown", tracks: [], error: null };

let isLoading = false;
let timer = null;

onApiKeyChange(() => catalogue.phase === "failed" && loadCatalogue());

/** Look what the catalogue holds, once; again and again while it holds nothing that can be compared. */
export async function loadCatalogue() {
  if (isLoading || timer !== null || catalogue.phase === "ready") return;
  isLoading = true;
  try {
    const tracks = await randomTracks(COUNT);
    tracks.forEach((track) => remember(track));
    const phase = tracks.length ? "ready" : (await requestJson("tracks?n=1")).tracks.length ? "waiting" : "empty";
    Object.assign(catalogue, { phase, tracks, error: null });
  } catch (error) {
    Object.assign(catalogue, { phase: "failed", error });
  }
  isLoading = false;
  if (catalogue.phase !== "ready" && catalogue.error?.status !== 401) {
    timer = setTimeout(() => {
      timer = null;
      if (isOnScreen) loadCatalogue();
    }, WAIT_MS);
  }
  redraw();
}

let isOnScreen = false;

/** Tell whether the tracks are shown now, so that nobody asks for them unseen. */
export function setOnScreen(value) {
  isOnScreen = value;
  if (value && catalogue.phase !== "ready") loadCatalogue();
}

/** Show other tracks to start from. */
export async function shuffle() {
  const tracks = await randomTracks(COUNT).catch(() => []);
  if (tracks.length) catalogue.tracks = tracks;
  tracks.forEach((track) => remember(track));
  redraw();
}

/** Start from any track that can be compared. */
export async function surprise() {
  try {
    const [track] = await randomTracks(1);
    if (!track) return;
    remember(track);
    startFrom(track.urn);
    announce(text("chosen", { title: track.title }));
  } catch (error) {
    Object.assign(catalogue, { error });
    redraw();
  }
}

async function randomTracks(count) {
  try {
    return (await requestJson(`random?n=${count}`)).tracks;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    return (await requestJson(`tracks?state=ready&n=${count}`)).tracks;
  }
}
