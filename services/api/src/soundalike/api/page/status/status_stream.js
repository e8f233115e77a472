// The connection to the events of the status: opened while its view is on screen, and again whenever it breaks off.

import { ApiError, onApiKeyChange, request, requestJson } from "../api_client.js";
import { onAddressChange, parameter } from "../address.js";
import { announce } from "../announcer.js";
import { redraw } from "../render.js";
import { text } from "../strings.js";

const PAUSES_MS = [1_000, 2_000, 5_000, 10_000];
// Signs of life come every 15 s.
const SILENCE_MS = 40_000;
const POLL_MS = 5_000;
const TICK_MS = 1_000;

/** `phase`: `connecting`, `live`, `polling` where too many watch, `lost`, or `refused` with `error`. */
export const connection = { phase: "connecting", status: null, error: null };

const listeners = new Set();
let controller = null;
let ticker = null;

onAddressChange(() => parameter("view") !== "status" && close());
onApiKeyChange(() => {
  if (controller === null) return;
  close();
  openStream();
});

/** Call a function with every status and the one before it, null for the first. */
export function onStatus(listener) {
  listeners.add(listener);
}

/** Open the connection, if it is not open. */
export function openStream() {
  if (controller !== null) return;
  controller = new AbortController();
  ticker = setInterval(() => document.hidden || redraw(), TICK_MS);
  follow(controller.signal);
}

function close() {
  controller?.abort();
  controller = null;
  clearInterval(ticker);
}

async function follow(signal) {
  for (let failures = 0; !signal.aborted; failures += 1) {
    const began = Date.now();
    try {
      await readEvents(signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
        return show({ phase: "refused", error });
      }
      if (error.kind === "too-many-listeners") await poll(signal).catch(() => {});
    }
    if (signal.aborted) return;
    if (Date.now() - began > SILENCE_MS) failures = 0;
    if (connection.phase !== "lost" && connection.status) announce(text("statusLost"));
    show({ phase: connection.status || failures > 0 ? "lost" : "connecting" });
    await pause(PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)], signal);
  }
}

async function readEvents(signal) {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const response = await request("status/events", {
      headers: { Accept: "text/event-stream" },
      signal: AbortSignal.any([signal, silence.signal]),
    });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let buffer = ""; ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      const blocks = (buffer + value).split("\n\n");
      buffer = blocks.pop();
      blocks.forEach(take);
    }
  } finally {
    clearTimeout(timer);
  }
}

function take(block) {
  const fields = Object.fromEntries(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
  if (fields.event === "status") accept(JSON.parse(fields.data));
  // The platform answers, and its database does not.
  if (fields.event === "problem") show({ phase: "live", error: new ApiError(503, JSON.parse(fields.data)) });
}

async function poll(signal) {
  while (!signal.aborted) {
    accept(await requestJson("status", { signal }), "polling");
    await pause(POLL_MS, signal);
  }
}

function accept(status, phase = "live") {
  const previous = connection.status;
  if (connection.phase === "lost") announce(text("statusBack"));
  show({ phase, status, error: null });
  for (const listener of listeners) listener(status, previous);
}

function show(change) {
  Object.assign(connection, change);
  redraw();
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
