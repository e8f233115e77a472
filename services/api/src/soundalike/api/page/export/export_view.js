// The answer to take away: as a playlist, as a table, as text, as a link.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { request, sendFile } from "../api_client.js";
import { answer } from "../answers/answer.js";
import { recommendParameters } from "../answers/parameters.js";
import { audioFile, fileRequest } from "../find/audio_file.js";
import { artists } from "../formats.js";
import { icon } from "../icons.js";
import { problemNotice } from "../problems.js";
import { redraw } from "../render.js";
import { text } from "../strings.js";
import { copyLabel, copyText } from "./clipboard.js";

const FORMATS = {
  m3u: { ending: "m3u8", label: "M3U", hint: "exportM3u" },
  jspf: { ending: "jspf", label: "JSPF", hint: "exportJspf" },
  csv: { ending: "csv", label: "CSV", hint: "exportCsv" },
};
// The characters that one file system or another refuses in names.
const UNSAFE = /[\\/:*?"<>|\u0000-\u001f]+/g;

const state = { busy: null, error: null };

/** Return the ways to take the answer away, nothing while there is none. */
export function exportView() {
  const results = answer.recommendation?.results ?? [];
  if (!results.length) return nothing;
  const hasFiles = results.some((track) => track.source === "file");
  return html`<div class="export">
    <div class="section-head"><h2>${icon("download")} ${text("exportTitle")}</h2></div>
    <div class="row">
      ${Object.entries(FORMATS).map(
        ([format, { label, hint }]) => html`<button type="button" class="button" title=${text(hint)} ?disabled=${state.busy !== null} @click=${() => download(format)}>
          ${label}
        </button>`,
      )}
      <button type="button" class="button" @click=${() => copyText(asText(results), "results")}>
        ${icon("copy")} ${copyLabel("results", text("exportText"))}
      </button>
      ${audioFile.file
        ? nothing
        : html`<button type="button" class="button" @click=${() => copyText(location.href, "link")}>
            ${icon("link")} ${copyLabel("link", text("exportLink"))}
          </button>`}
    </div>
    ${hasFiles ? html`<p class="hint">${text("exportPaths")}</p>` : nothing}
    ${state.error ? problemNotice(state.error) : nothing}
  </div>`;
}

async function download(format) {
  Object.assign(state, { busy: format, error: null });
  redraw();
  try {
    save(await fetchPlaylist(format), fileName(FORMATS[format].ending));
  } catch (error) {
    state.error = error;
  }
  state.busy = null;
  redraw();
}

async function fetchPlaylist(format) {
  const isFile = audioFile.file !== null;
  const parameters = recommendParameters({ isFile });
  parameters.set("format", format);
  if (!isFile) return (await request(`recommend?${parameters}`)).blob();
  const { body, headers } = fileRequest();
  return new Blob([await sendFile(`recommend?${parameters}`, body, { headers })]);
}

function save(content, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // The browser has not begun to read it yet.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function fileName(ending) {
  const title = audioFile.file ? audioFile.name.replace(/\.\w+$/, "") : answer.recommendation.seeds[0]?.title;
  const name = text("exportName", { title: title ?? "" }).replace(UNSAFE, " ").trim();
  return `${name.slice(0, 120) || "soundalike"}.${ending}`;
}

const asText = (results) => results.map((track) => `${artists(track)} – ${track.title}`).join("\n");
