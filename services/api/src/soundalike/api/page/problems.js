// The problems of the API in plain words, and what to do.

import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { openKeyDialog } from "./key_dialog.js";
import { text } from "./strings.js";

const TEXTS = {
  "unknown-track": "problemUnknownTrack",
  "unparsable-track": "problemUnparsableTrack",
  "not-ready": "problemNotReady",
  "not-recommendable": "problemNotRecommendable",
  forgotten: "problemForgotten",
  "no-taste": "problemNoTaste",
  "not-audio": "problemNotAudio",
  "recording-too-large": "problemUploadTooLarge",
  "upload-too-slow": "problemUploadTooSlow",
  "recording-refused": "problemUploadRejected",
  "nobody-listens": "problemNoExtractor",
  "too-many-recordings": "problemTooManyUploads",
  "invalid-request": "problemInvalidRequest",
  "not-serving": "problemNotServing",
  "key-wanted": "problemKeyRequired",
  "key-too-weak": "problemKeyReadOnly",
  "foreign-page": "problemForeignPage",
  "too-many-calls": "problemTooManyCalls",
  "deadline-exceeded": "problemDeadline",
  internal: "problemInternal",
  "file-gone": "problemFileGone",
  "file-outside": "problemFileOutside",
  "file-unreadable": "problemFileUnreadable",
  "played-elsewhere": "problemPlayedElsewhere",
  unplayable: "problemUnplayable",
  "too-many-streams": "problemTooManyStreams",
  "no-transcoder": "problemNoTranscoder",
  "invalid-link": "problemInvalidLink",
  "too-many-listeners": "problemTooManyListeners",
  "too-many-crawls": "problemTooManyCrawls",
  "folder-refused": "problemFolderRefused",
  "no-crawl-target": "problemNoCrawlTarget",
  "unknown-library": "problemUnknownLibrary",
  "unknown-crawl": "problemUnknownCrawl",
  "forgotten-list": "problemListForgotten",
};

// Where our sentence says all there is to say; elsewhere the API's own names the track, the value or the reason.
const COMPLETE = new Set(["key-wanted", "too-many-recordings", "deadline-exceeded"]);

// Where the reason stands in the API's sentence alone.
const EXPLAINED_THERE = new Set(["invalid-request", "recording-refused", "not-recommendable", "not-serving", ""]);

/** Return what happened and what to do, in a sentence or two. */
export function problemText(error) {
  if (error.status === 0) return text("problemNoConnection");
  return text(TEXTS[error.kind] ?? "problemOther", { status: error.status });
}

/** Tell whether waiting helps, so that the page tries again by itself. */
export const isTemporary = (error) => error.status === 0 || error.status === 503 || error.status === 429;

/** Return a notice about a problem; `actions` are buttons below it. */
export function problemNotice(error, actions = nothing) {
  const detail = error.status === 0 || COMPLETE.has(error.kind) ? null : error.problem.detail;
  return html`<section class="problem" role="alert">
    <p class="problem-text">${problemText(error)}</p>
    ${detail
      ? html`<details ?open=${EXPLAINED_THERE.has(error.kind)}>
          <summary>${text("problemDetails")}</summary>
          <p lang="en">${detail}</p>
          ${error.problem.request_id ? html`<p class="hint">${text("problemRequest")} <code>${error.problem.request_id}</code></p>` : nothing}
        </details>`
      : nothing}
    <div class="row">
      ${error.status === 401 || error.kind === "key-too-weak"
        ? html`<button type="button" class="button" @click=${openKeyDialog}>${text("keyEnter")}</button>`
        : nothing}
      ${actions}
    </div>
  </section>`;
}
