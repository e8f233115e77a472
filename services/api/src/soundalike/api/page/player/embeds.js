// The players of the services themselves: loaded when somebody presses play, never before.

import { html } from "../vendor/lit-html/lit-html.js";
import { sourceName } from "../formats.js";
import { text } from "../strings.js";

const ADDRESSES = {
  spotify: (id) => `https://open.spotify.com/embed/track/${id}`,
  deezer: (id) => `https://widget.deezer.com/widget/auto/track/${id}`,
  soundcloud: (id) =>
    `https://w.soundcloud.com/player/?url=${encodeURIComponent(`https://api.soundcloud.com/tracks/${id}`)}`,
};

const enabled = new Set((document.querySelector('meta[name="embeds"]')?.content ?? "").split(" "));

/** Tell whether the player of a source is switched on (PAGE_EMBEDS). */
export const isEmbedEnabled = (source) => source in ADDRESSES && enabled.has(source);

/** Return the player of a track's service. */
export function embed({ urn, source, title }) {
  const id = urn.slice(urn.lastIndexOf(":") + 1);
  return html`<iframe
    class="player-embed"
    src=${ADDRESSES[source](encodeURIComponent(id))}
    title=${text("playerEmbed", { source: sourceName(source), title })}
    allow="autoplay; encrypted-media"
    sandbox="allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    referrerpolicy="no-referrer"
  ></iframe>`;
}
