// The request of a track that somebody has the link of, and the catalogue has not.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { requestJson } from "../api_client.js";
import { problemNotice } from "../problems.js";
import { redraw } from "../render.js";
import { text } from "../strings.js";
import { startFrom } from "./query.js";
import { changeText } from "./suggestions.js";

const state = { urn: null, error: null };

/** Have the crawler fetch a track by its link or id. */
export async function requestTrack(link) {
  Object.assign(state, { urn: null, error: null });
  try {
    const answer = await requestJson(`tracks/${encodeURIComponent(link)}`, { method: "PUT" });
    changeText("");
    state.urn = answer.urn;
    if (answer.state === "ready") open();
  } catch (error) {
    state.error = error;
  }
  redraw();
}

/** Return what became of the last request. */
export function requestNotice() {
  if (state.error) return problemNotice(state.error, closeButton());
  if (state.urn === null) return nothing;
  return html`<div class="notice-bar" role="status">
    <p>${text("requestAccepted")}</p>
    <div class="row">
      <button type="button" class="button" @click=${open}>${text("requestOpen")}</button>
      ${closeButton()}
    </div>
  </div>`;
}

function open() {
  const { urn } = state;
  dismiss();
  startFrom(urn);
}

function dismiss() {
  Object.assign(state, { urn: null, error: null });
  redraw();
}

const closeButton = () => html`<button type="button" class="button" @click=${dismiss}>${text("close")}</button>`;
