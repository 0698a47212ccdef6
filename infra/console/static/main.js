// Shows the view that the address names, and keeps the head of the page up to date.

import { poll, read, readOnly } from "./api.js";
import { compare } from "./compare.js";
import { data } from "./data.js";
import { days } from "./days.js";
import { text } from "../web/dom.js";
import { attribute } from "./parts.js";
import { execution } from "./execution.js";
import { executions } from "./executions.js";
import { mails, queue } from "./queue.js";
import { start } from "./start.js";
import { TITLES, address, overview, trouble } from "./shell.js";

const VIEWS = { executions, execution, queue, mails, days, data, start, compare };
const byId = (id) => document.getElementById(id);
let shown = null;

function show() {
  const { view, nav, name, query } = address();
  for (const anchor of document.querySelectorAll("nav a")) attribute(anchor, "aria-current", anchor.dataset.view === nav && "page");
  showLink(nav);
  document.title = `${name || TITLES[nav]} · marketlake`;
  if (shown?.view === view && shown.name === name) {
    shown.page.update(query);
    return;
  }
  const before = shown;
  shown?.page.stop();
  trouble("view")(null);
  byId("main").replaceChildren();
  shown = { view, name, page: VIEWS[view](byId("main"), name, query) };
  // What had the focus is gone: the keyboard goes on in the view, not at the top of the page.
  if (before && document.activeElement === document.body) byId("main").focus();
  window.scrollTo(0, 0);
}

// The same in AWS's own console, where this is an account.
function showLink(nav) {
  const href = overview.links[nav];
  byId("aws").hidden = !href;
  attribute(byId("aws"), "href", href);
}

async function lookOver() {
  Object.assign(overview, await read("api/overview"));
  text(byId("where"), overview.target);
  byId("notice").hidden = !overview.simulated;
  text(byId("notice"), overview.simulated ? `Simulated: ${overview.simulated}.` : "");
  showLink(address().nav);
  badge("queue-count", overview.queue, "on the queue");
  badge("mails-count", overview.mails, "in the mailbox");
  shown?.page.counted?.();
}

function badge(id, counts, words) {
  const number = counts ? counts.visible + counts.hidden : 0;
  byId(id).hidden = !number;
  text(byId(id), number);
  attribute(byId(id), "aria-label", `${number} ${words}`);
}

for (const anchor of document.querySelectorAll("nav a[data-acts]")) anchor.hidden = readOnly;
window.addEventListener("hashchange", show);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
poll(lookOver, () => (overview.local ? 2000 : 30_000), trouble("overview"));
show();
