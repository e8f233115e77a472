// What tracks are called that the address names only by their ids.

import { requestJson } from "../api_client.js";
import { redraw } from "../render.js";

const MAX_REQUESTS = 40;

const tracks = new Map();
const asked = new Set();

/** Keep the names of a track that an answer of the API holds; `id` is what the address calls it, if not its URN. */
export function remember(track, id = track.urn) {
  tracks.set(track.urn, track);
  tracks.set(id, track);
}

/** Return what is known of a track, or null, and ask for it where nothing is. */
export function trackNamed(id) {
  if (!tracks.has(id) && !asked.has(id) && asked.size < MAX_REQUESTS) {
    asked.add(id);
    requestJson(`tracks/${encodeURIComponent(id)}`)
      .then((track) => remember(track, id))
      // Its id is shown instead; what is wrong with it is said where the answer would be.
      .catch(() => {})
      .finally(redraw);
  }
  return tracks.get(id) ?? null;
}
