// The index, the models and the libraries.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { language, text } from "../strings.js";
import { fact } from "./activity.js";
import { crawlLibrary } from "./crawls.js";
import { ago, dateTime } from "./times.js";

const percents = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });

/** Return the section about the index and the models. */
export function indexAndModels({ index, models }) {
  return html`<section class="panel" aria-labelledby="index-title">
    <h2 id="index-title">${text("indexTitle")}</h2>
    ${index
      ? html`<dl class="facts">
          ${fact("indexVersion", html`<code>${index.version}</code>`)}
          ${index.built_at ? fact("indexAge", html`<time datetime=${index.built_at} title=${dateTime(index.built_at)}>${ago(index.built_at)}</time>`) : nothing}
          ${fact("indexTracks", text("indexTracksTail", { count: index.tracks, tail: index.tail }))}
          ${fact("indexRecall", text("indexRecallMeaning", { share: percents.format(index.recall) }))}
        </dl>`
      : html`<p class="hint">${text("indexNone")}</p>`}
    <h3>${text("modelsTitle")}</h3>
    ${models.length
      ? html`<ul class="models">
          ${models.map(
            (model) => html`<li><code>${model.model}</code> <span class="badge ${model.current ? "" : "badge-weak"}">${text(model.current ? "modelCurrent" : "modelFormer")}</span></li>`,
          )}
        </ul>`
      : html`<p class="hint">${text("modelsNone")}</p>`}
  </section>`;
}

/** Return the section about the libraries, nothing where there are none. */
export function libraries(rows) {
  if (!rows.length) return nothing;
  return html`<section class="panel" aria-labelledby="libraries-title">
    <h2 id="libraries-title">${text("librariesTitle")}</h2>
    <ul class="libraries">
      ${rows.map((library) => {
        const name = library.root ?? text("libraryNumber", { id: String(library.id) });
        return html`<li>
          <div>
            <p class="crawl-name">${name}</p>
            <p class="hint">
              ${text("libraryFiles", { count: library.files })} · ${text(library.watched ? "libraryWatched" : "libraryUnwatched")}
              · ${library.scanned_at ? text("libraryScanned", { moment: ago(library.scanned_at) }) : text("libraryUnscanned")}
            </p>
          </div>
          <button type="button" class="button" aria-label=${text("libraryScanOf", { name })} @click=${() => crawlLibrary(library.id)}>${text("libraryScan")}</button>
        </li>`;
      })}
    </ul>
  </section>`;
}
