// The page in German.

export const de = {
  languageName: "Deutsch",
  title: "Soundalike",
  navigationLabel: "Seiten",
  findPage: "Musik finden",
  statusPage: "Status",
  // The player
  playerLabel: "Player",
  playerPlay: "Abspielen",
  playerPause: "Pause",
};
