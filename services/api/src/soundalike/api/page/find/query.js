// What is asked for: the seeds and what is left out. It lives in the address; a file of one's own lives in memory.

import { changeAddress, parameterValues } from "../address.js";
import { leaveCards } from "../focus.js";

// The limits of the API; of more the oldest give way.
const MAX_SEEDS = 20;
const MAX_EXCLUDED = 200;

const without = (name, value) => parameterValues(name).filter((each) => each !== value);

/** Return the tracks to start from, as they stand in the address. */
export const seeds = () => parameterValues("track");

/** Start from a track alone; nothing of the last query stays but the settings. */
export function startFrom(urn) {
  changeAddress({ track: urn, not_like: null, exclude: null, exclude_artist: null, q: null, view: null });
  leaveCards();
  scrollTo({ top: 0 });
}

/** Add a track to those to start from. */
export function addSeed(urn) {
  const track = [...without("track", urn), urn].slice(-MAX_SEEDS);
  changeAddress({ track, not_like: without("not_like", urn), exclude: without("exclude", urn), q: null });
}

/** Have results that sound unlike a track; it is no result either. */
export function subtract(urn) {
  const not_like = [...without("not_like", urn), urn].slice(-MAX_SEEDS);
  changeAddress({ not_like, track: without("track", urn) });
}

/** Leave a single track out. */
export function excludeTrack(urn) {
  changeAddress({ exclude: [...without("exclude", urn), urn].slice(-MAX_EXCLUDED) });
}

/** Leave everything by an artist out. */
export function excludeArtist(name) {
  changeAddress({ exclude_artist: [...without("exclude_artist", name), name].slice(-MAX_EXCLUDED) });
}

/** Take a value of a parameter back. */
export function takeBack(name, value) {
  changeAddress({ [name]: without(name, value) });
}
