// The title of the window, by which a person knows the page in the history.

import { audioFile } from "./find/audio_file.js";
import { seeds } from "./find/query.js";
import { trackNamed } from "./find/track_names.js";
import { text } from "./strings.js";

/** Return the title for a view. */
export function pageTitle(view) {
  if (view === "status") return `${text("statusPage")} – ${text("title")}`;
  const seed = audioFile.file ? audioFile.name : seeds()[0] && trackNamed(seeds()[0])?.title;
  return seed ? `${text("answersOne", { title: seed })} – ${text("title")}` : text("title");
}
