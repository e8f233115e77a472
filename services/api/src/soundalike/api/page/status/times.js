// Moments and spans of time in words.

import { language, text } from "../strings.js";

const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const moments = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const STEPS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** Return how long ago a moment (ISO 8601) was: "3 minutes ago". */
export function ago(moment) {
  const seconds = Math.min(0, (Date.parse(moment) - Date.now()) / 1000);
  const [unit, length] = STEPS.find(([, each]) => -seconds >= each) ?? STEPS.at(-1);
  return relative.format(Math.ceil(seconds / length), unit);
}

/** Return how many seconds have passed since a moment. */
export const secondsSince = (moment) => Math.max(0, Math.round((Date.now() - Date.parse(moment)) / 1000));

/** Return a moment as date and time. */
export const dateTime = (moment) => moments.format(new Date(moment));

/** Say how long something will still take, as exactly as an estimate deserves. */
export function timeLeft(seconds) {
  if (seconds < 10) return text("leftSeconds");
  if (seconds < 55) return text("leftAboutSeconds", { count: Math.round(seconds / 10) * 10 });
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 60) return text("leftAboutMinutes", { count: minutes });
  return text("leftAboutHours", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}
