// Whether there are favourites to compare by; without them there is nothing to choose.

import { parameterValues } from "../address.js";
import { answer } from "../answers/answer.js";
import { requestJson } from "../api_client.js";
import { redraw } from "../render.js";

const state = { exists: false, isAsked: false };

/** Tell whether tracks can be compared by taste here; asks once, after the first answer. */
export function tasteExists() {
  const [track] = parameterValues("track");
  if (!state.isAsked && track && answer.phase === "ready") ask(track);
  return state.exists || parameterValues("by").length > 0;
}

async function ask(track) {
  state.isAsked = true;
  try {
    const { taste } = await requestJson(`recommend?${new URLSearchParams({ track, by: "both", n: 1 })}`);
    state.exists = taste !== null;
  } catch {
    // A track that cannot be compared says nothing about the catalogue.
    state.isAsked = false;
    return;
  }
  redraw();
}
