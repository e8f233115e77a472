// The page, put together: which view is shown, and what is around it.

import { html, render } from "./vendor/lit-html/lit-html.js";
import { addressWith, changeAddress, onAddressChange, parameter } from "./address.js";
import { drawWith, redraw } from "./render.js";
import { language, text } from "./strings.js";

const VIEWS = {
  find: { title: "findPage", view: () => html`` },
  status: { title: "statusPage", view: () => html`` },
};

const currentView = () => (parameter("view") in VIEWS ? parameter("view") : "find");

function page() {
  const current = currentView();
  return html`
    <header class="top">
      <a class="brand" href=${addressWith({ view: null })} @click=${follow}>${text("title")}</a>
      <nav aria-label=${text("navigationLabel")}>
        ${Object.entries(VIEWS).map(
          ([name, { title }]) => html`<a
            href=${addressWith({ view: name === "find" ? null : name })}
            aria-current=${name === current ? "page" : "false"}
            @click=${follow}
            >${text(title)}</a
          >`,
        )}
      </nav>
    </header>
    <main>${VIEWS[current].view()}</main>
  `;
}

/** Follow a link within the page, without loading it anew; one to a new tab is left to the browser. */
function follow(event) {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const view = new URL(event.currentTarget.href).searchParams.get("view");
  changeAddress({ view });
}

document.documentElement.lang = language;
const container = document.querySelector("#app");
drawWith(() => render(page(), container));
onAddressChange(redraw);
redraw();
