// The texts of the page in the language of the person; each language is one file of strings/.

import { en } from "./strings/en.js";
import { de } from "./strings/de.js";

const LANGUAGES = { en, de };
const CHOICE = "soundalike-language";

/** The languages that there are, by code, each named in itself. */
export const languageNames = Object.fromEntries(Object.entries(LANGUAGES).map(([code, texts]) => [code, texts.languageName]));

/** The code of the language that is shown. */
export const language = choose();

const texts = LANGUAGES[language];
const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);

/**
 * Return a text by its name, its `{fields}` filled in; numbers are written as the language does.
 *
 * A text that is an object of plural forms (`one`, `other`) is chosen by the field `count`.
 */
export function text(name, fields = {}) {
  const entry = texts[name] ?? en[name];
  const form = typeof entry === "object" ? (entry[plurals.select(fields.count)] ?? entry.other) : entry;
  return form.replace(/\{(\w+)\}/g, (_, field) => {
    const value = fields[field];
    return typeof value === "number" ? numbers.format(value) : String(value ?? "");
  });
}

/** Show the page in another language, in this browser from now on. */
export function setLanguage(code) {
  localStorage.setItem(CHOICE, code);
  location.reload();
}

function choose() {
  const candidates = [localStorage.getItem(CHOICE), ...navigator.languages.map((tag) => tag.split("-")[0])];
  return candidates.find((code) => code in LANGUAGES) ?? "en";
}
