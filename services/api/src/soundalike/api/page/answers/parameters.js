// The parameters of GET /recommend that the address may hold; anything else in it is not ours, and is not sent.

import { parameterValues } from "../address.js";

const OF_TRACKS = ["track", "by", "blend"];
const OF_ANY_QUERY = [
  "not_like",
  "exclude",
  "exclude_artist",
  "n",
  "min_score",
  "diversity",
  "max_per_artist",
  "max_per_album",
  "tag",
  "not_tag",
  "min_duration",
  "max_duration",
  "source",
];

/** Return what the address asks of GET /recommend, or with `isFile` of POST /recommend. */
export function recommendParameters({ isFile = false } = {}) {
  const parameters = new URLSearchParams();
  for (const name of isFile ? OF_ANY_QUERY : [...OF_TRACKS, ...OF_ANY_QUERY]) {
    for (const value of parameterValues(name)) parameters.append(name, value);
  }
  return parameters;
}
