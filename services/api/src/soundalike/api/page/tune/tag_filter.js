// Tags that results must have, or must not have: each tag is a button that goes round the three.

import { html } from "../vendor/lit-html/lit-html.js";
import { changeAddress, parameterValues } from "../address.js";
import { requestJson } from "../api_client.js";
import { announce } from "../announcer.js";
import { tagName } from "../formats.js";
import { icon } from "../icons.js";
import { redraw } from "../render.js";
import { text } from "../strings.js";

let tags = null;
let isLoading = false;

const LABELS = { none: "tagFree", required: "tagRequired", excluded: "tagExcluded" };
const PICTURES = { required: "plus", excluded: "minus" };

/** Return `required`, `excluded` or `none`. */
export function tagState(slug) {
  if (parameterValues("tag").includes(slug)) return "required";
  return parameterValues("not_tag").includes(slug) ? "excluded" : "none";
}

/** Return a tag as a button: pressed once it is required, twice excluded, three times free again. */
export function tagPill(slug) {
  const state = tagState(slug);
  const label = text(LABELS[state], { tag: tagName(slug) });
  return html`<button type="button" class="pill" data-state=${state} title=${text("tagHint")} aria-label=${label} @click=${() => cycle(slug)}>
    ${state === "none" ? "" : icon(PICTURES[state])}<span lang="en">${tagName(slug)}</span>
  </button>`;
}

/** Return all tags, once they were asked for. */
export const allTags = () => tags ?? chosenTags();

/** Return the tags that are required or excluded. */
export const chosenTags = () => [...new Set([...parameterValues("tag"), ...parameterValues("not_tag")])];

/** Ask for all tags: the description of the API lists them. */
export async function loadTags() {
  if (tags !== null || isLoading) return;
  isLoading = true;
  try {
    const { paths } = await requestJson("openapi.json");
    const parameter = paths["/recommend"].get.parameters.find(({ name }) => name === "tag");
    tags = [...parameter.schema.items.enum].sort((one, other) => one.localeCompare(other));
  } catch {
    // The chosen ones are shown, and opening the list again asks again.
  }
  isLoading = false;
  redraw();
}

function cycle(slug) {
  const state = tagState(slug);
  const others = (name) => parameterValues(name).filter((each) => each !== slug);
  const [tag, not_tag] = [others("tag"), others("not_tag")];
  if (state === "none") tag.push(slug);
  if (state === "required") not_tag.push(slug);
  changeAddress({ tag, not_tag });
  announce(text(LABELS[tagState(slug)], { tag: tagName(slug) }));
}
