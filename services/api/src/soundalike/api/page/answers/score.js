// The score and the layers in words.

import { text } from "../strings.js";
import { listed, tagName } from "../formats.js";

const STEPS = [
  [0.95, "scoreVerySimilar"],
  [0.8, "scoreSimilar"],
  [0.6, "scoreSomewhat"],
  [0.5, "scoreSlightly"],
  [0, "scoreHardly"],
];

// From the shortest stretch of music to the longest: what the layer is called, and what is heard in it.
const LAYERS = {
  texture: ["layerTexture", "layerTextureMeaning"],
  attack: ["layerAttack", "layerAttackMeaning"],
  rhythm: ["layerRhythm", "layerRhythmMeaning"],
  phrasing: ["layerPhrasing", "layerPhrasingMeaning"],
  character: ["layerCharacter", "layerCharacterMeaning"],
};

/** Return what a score of 0 to 1 means, in a word or two. */
export const scoreWord = (score) => text(STEPS.find(([least]) => score >= least)[1]);

/** Return the name of a layer; a model of another make may have layers that this page does not know. */
export const layerName = (layer) => (layer in LAYERS ? text(LAYERS[layer][0]) : layer);

/** Return what can be heard in a layer, or an empty text. */
export const layerMeaning = (layer) => (layer in LAYERS ? text(LAYERS[layer][1]) : "");

/** Return why a track is a result, in the language of the page: the API's sentences are English. */
export function localReason(result) {
  const parts = [];
  const layers = Object.keys(result.alike).sort((one, other) => result.alike[other] - result.alike[one]);
  if (layers.length) parts.push(text("whyLayers", { layers: listed(layers.slice(0, 2).map(layerName)) }));
  if (result.by.includes("taste")) parts.push(text("whyTaste"));
  if (result.shared_tags.length) {
    parts.push(text("whyTags", { tags: result.shared_tags.slice(0, 3).map(tagName).join(", ") }));
  }
  return parts.join(" ");
}
