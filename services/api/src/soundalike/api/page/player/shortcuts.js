// The keys of the whole page.

/** Listen to the keyboard. */
export function installShortcuts() {}
