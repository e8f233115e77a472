// The button that plays a track, where there is a way to hear it.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icon } from "../icons.js";
import { play, playable, playing, toggle } from "../player/player.js";
import { text } from "../strings.js";

/** Return a button that plays a track, or pauses it; `queue` is what comes before and after it. */
export function playButton(track, queue) {
  if (playable(track) === null) return nothing;
  const current = playing();
  const isCurrent = current?.urn === track.urn;
  const isPlaying = isCurrent && !current.isPaused;
  return html`<button
    type="button"
    class="play"
    data-playing=${isPlaying ? "true" : "false"}
    aria-label=${text(isPlaying ? "pauseTrack" : "playTrack", { title: track.title })}
    @click=${() => (isCurrent && playable(track) === "file" ? toggle() : play(track, queue))}
  >
    ${icon(isPlaying ? "pause" : "play")}
  </button>`;
}
