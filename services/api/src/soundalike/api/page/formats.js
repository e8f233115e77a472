// Numbers, lengths and names as the language of the page writes them.

import { language, text } from "./strings.js";

const percents = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
const lists = new Intl.ListFormat(language, { type: "conjunction" });
const SOURCE_NAMES = { spotify: "Spotify", deezer: "Deezer", soundcloud: "SoundCloud" };

/** Return a share of 0 to 1 in percent. */
export const percent = (share) => percents.format(share);

/** Return names as a list in a sentence: "A, B and C". */
export const listed = (names) => lists.format(names);

/** Return the artists of a track in one text. */
export const artists = (track) => track.artists.join(", ") || text("artistUnknown");

/** Return a length in milliseconds as minutes and seconds. */
export function duration(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = String(seconds % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** Return the name of a source, as it writes itself. */
export const sourceName = (source) => SOURCE_NAMES[source] ?? text("sourceFile");

/** Return the address of a track at its source where it can be opened in a browser, else null. */
export const webLink = (track) => (/^https?:\/\//.test(track.link ?? "") ? track.link : null);

/** Return a tag as people write it. */
export const tagName = (slug) => slug.replaceAll("-", " ");
