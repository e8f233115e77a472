// The keys of headphones and keyboards, and what the system shows of what plays.

import { artists } from "../formats.js";

const STEP_S = 10;

/** Show a track where the system shows what plays. */
export function showOnSystem(track) {
  if (!("mediaSession" in navigator)) return;
  navigator.mediaSession.metadata = new MediaMetadata({
    title: track.title,
    artist: artists(track),
    album: track.album ?? "",
  });
}

/** Have the system's keys do what the buttons do. */
export function installMediaKeys({ toggle, playPrevious, playNext, seekBy, seekTo, soundState }) {
  if (!("mediaSession" in navigator)) return;
  const handlers = {
    play: () => soundState().isPaused && toggle(),
    pause: () => soundState().isPaused || toggle(),
    previoustrack: playPrevious,
    nexttrack: playNext,
    seekbackward: ({ seekOffset }) => seekBy(-(seekOffset ?? STEP_S)),
    seekforward: ({ seekOffset }) => seekBy(seekOffset ?? STEP_S),
    seekto: ({ seekTime }) => seekTo(seekTime),
  };
  for (const [action, handler] of Object.entries(handlers)) {
    try {
      navigator.mediaSession.setActionHandler(action, handler);
    } catch {
      // An action that this browser does not know.
    }
  }
}
