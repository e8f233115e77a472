// A file of one's own as the query: it is sent, compared and forgotten; this page holds it until another query.

import { redraw } from "../render.js";
import { changeAddress } from "../address.js";

/** What the API accepts at most; of a longer file the beginning is sent. */
export const MAX_BYTES = 12_000_000;

const AUDIO_NAMES = /\.(aac|aif|aiff|alac|ape|dsf|flac|m4a|m4b|mka|mp2|mp3|mp4|mpc|oga|ogg|opus|spx|tta|wav|weba|webm|wma|wv)$/i;
const listeners = new Set();

/** The file, its name, and what is wrong with what was chosen instead of one. */
export const audioFile = { file: null, name: "", refusal: null };

/** Call a function when another file is the query, or none. */
export function onAudioFileChange(listener) {
  listeners.add(listener);
}

/** Take a file as the query, if it may be audio. */
export function useFile(file) {
  if (!file) return;
  const isAudio = /^(audio|video)\//.test(file.type) || AUDIO_NAMES.test(file.name);
  if (!isAudio) {
    audioFile.refusal = file.name;
    return void redraw();
  }
  Object.assign(audioFile, { file, name: file.name, refusal: null });
  changeAddress({ track: null, not_like: null, exclude: null, exclude_artist: null, by: null, blend: null, q: null });
  for (const listener of listeners) listener();
  redraw();
}

/** Forget the file. */
export function dropFile() {
  if (audioFile.file === null && audioFile.refusal === null) return;
  Object.assign(audioFile, { file: null, name: "", refusal: null });
  for (const listener of listeners) listener();
  redraw();
}

/** Tell whether only the beginning of the file is sent. */
export const isCut = () => audioFile.file !== null && audioFile.file.size > MAX_BYTES;

/** Return what is sent of the file, and the headers that name its type. */
export function fileRequest() {
  const { file } = audioFile;
  const type = file.type.startsWith("audio/") ? file.type : "application/octet-stream";
  return { body: isCut() ? file.slice(0, MAX_BYTES) : file, headers: { "Content-Type": type } };
}
