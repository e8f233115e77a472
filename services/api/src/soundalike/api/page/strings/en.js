// The page in English. A translation has the same names; one that is missing is shown in English.

export const en = {
  languageName: "English",
  title: "Soundalike",
  navigationLabel: "Pages",
  findPage: "Find music",
  statusPage: "Status",
  // The player
  playerLabel: "Player",
  playerPlay: "Play",
  playerPause: "Pause",
};
