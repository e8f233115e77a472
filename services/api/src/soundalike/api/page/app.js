// The page, put together: which view is shown, and what is around it.

import { html, render } from "./vendor/lit-html/lit-html.js";
import { addressWith, changeAddress, onAddressChange, parameter } from "./address.js";
import { announcer } from "./announcer.js";
import { installAnswer } from "./answers/answer.js";
import { setOnScreen } from "./find/catalogue.js";
import { dropSign, installFileDrop } from "./find/file_drop.js";
import { findView } from "./find/find_view.js";
import { installSearchBox } from "./find/search_box.js";
import { installFocus, keepFocus } from "./focus.js";
import { footer } from "./footer.js";
import { installKeyDialog, keyDialog } from "./key_dialog.js";
import { helpDialog } from "./player/help_dialog.js";
import { playerBar } from "./player/player.js";
import { installShortcuts } from "./player/shortcuts.js";
import { pageTitle } from "./page_title.js";
import { drawWith, redraw } from "./render.js";
import { statusView } from "./status/status_view.js";
import { language, text } from "./strings.js";

const VIEWS = {
  find: { title: "findPage", view: findView },
  status: { title: "statusPage", view: statusView },
};

const currentView = () => (parameter("view") in VIEWS ? parameter("view") : "find");

function page() {
  const current = currentView();
  document.title = pageTitle(current);
  return html`
    <a class="skip" href="#main" @click=${skip}>${text("skip")}</a>
    <header class="top">
      <a class="brand" href=${location.pathname} @click=${goHome}>${logo()} ${text("title")}</a>
      <nav aria-label=${text("navigationLabel")}>
        ${Object.entries(VIEWS).map(
          ([name, { title }]) => html`<a
            href=${addressWith({ view: name === "find" ? null : name })}
            data-view=${name}
            aria-current=${name === current ? "page" : "false"}
            >${text(title)}</a
          >`,
        )}
      </nav>
    </header>
    <main id="main" tabindex="-1">${VIEWS[current].view()}</main>
    ${footer()} ${playerBar()} ${announcer()} ${keyDialog()} ${helpDialog()} ${dropSign()}
  `;
}

const logo = () => html`<svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
  <path d="M4 13v6M10 8v16M16 4v24M22 10v12M28 14v4"></path>
</svg>`;

/** Follow a link to another view (`data-view`) without loading the page anew; one to a new tab is left to the browser. */
function follow(event) {
  const link = event.target.closest?.("a[data-view]");
  if (!link || event.defaultPrevented || isForNewTab(event)) return;
  event.preventDefault();
  changeAddress({ view: link.dataset.view === "find" ? null : link.dataset.view });
}

function goHome(event) {
  if (isForNewTab(event)) return;
  event.preventDefault();
  changeAddress(Object.fromEntries([...new URLSearchParams(location.search).keys()].map((name) => [name, null])));
  document.querySelector("#search")?.focus();
}

// The address of a fragment would be one that Back goes to.
function skip(event) {
  event.preventDefault();
  document.querySelector("#main").focus();
}

const isForNewTab = (event) => event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;

function changeView() {
  setOnScreen(currentView() === "find" && parameter("track") === null);
  redraw();
}

document.documentElement.lang = language;
const container = document.querySelector("#app");
drawWith(() => keepFocus(() => render(page(), container)));
document.addEventListener("click", follow);
installFocus();
installKeyDialog();
installAnswer();
installSearchBox();
installFileDrop();
installShortcuts();
onAddressChange(changeView);
changeView();
