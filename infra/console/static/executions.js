// The executions, newest first, with filters; a running one shows how far it is.

import { poll, read, readOnly } from "./api.js";
import { count, h, text } from "../web/dom.js";
import { arrows, attribute, duration, keyed, labelled, moment, pill, seconds, setPill } from "./parts.js";
import { link, narrow, pace, trouble } from "./shell.js";

const CHOICES = {
  status: [["", "any status"], ["RUNNING", "running"], ["SUCCEEDED", "succeeded"], ["FAILED", "failed"], ["TIMED_OUT", "timed out"], ["ABORTED", "stopped"]],
  kind: [["", "any kind"], ["run", "run"], ["backfill", "backfill"], ["redrive", "redrive"], ["retry", "retry"], ["other", "scheduled or other"]],
  hours: [["", "any time"], ["1", "last hour"], ["24", "last day"], ["168", "last week"], ["720", "last 30 days"]],
};
const LABELS = { status: "Status", kind: "Kind", hours: "Started" };

export function executions(main, _name, asked) {
  let query = asked, running = false;
  const filters = Object.entries(CHOICES).map(([name, choices]) => select(name, choices, (value) => narrowTo({ [name]: value })));
  const search = h("input", { type: "search", placeholder: "part of a name", "aria-label": "Name", oninput: () => narrowTo({ text: search.value }) });
  const found = h("p", { class: "muted", "aria-live": "polite" });
  const list = h("ol", { class: "rows executions", "aria-label": "Executions" });
  const empty = h("div", { class: "empty", hidden: true });
  const pages = h("div", { class: "pages" });
  arrows(list, "a.row");
  main.append(h("h1", {}, "Executions"), h("form", { class: "filters", onsubmit: (event) => event.preventDefault() }, search, filters), found, list, empty, pages);

  function narrowTo(change) {
    const wanted = { ...Object.fromEntries(query), start: "", ...change };
    narrow(link("executions", wanted));
  }

  async function look() {
    const wanted = query.toString();
    const document = await read(`api/executions${wanted ? `?${wanted}` : ""}`);
    if (wanted !== query.toString()) return;
    running = document.running > 0;
    keyed(list, document.executions, (record) => record.name, row, refresh);
    const more = document.known >= document.most ? `, of the newest ${document.known.toLocaleString("en")}` : "";
    text(found, document.total ? `${count(document.total, "execution")}${more}${running ? `, ${document.running} running` : ""}` : "");
    showEmpty(document);
    showPages(document);
  }

  function showEmpty(document) {
    empty.hidden = document.total > 0;
    if (document.total) return empty.replaceChildren();
    const none = document.known === 0;
    empty.replaceChildren(
      h("p", {}, none ? "No execution yet." : "No execution is like that."),
      none ? h("p", { class: "muted" }, "Start one with ", h("code", {}, "marketlake run"), readOnly ? "" : [" or ", h("a", { href: "#/start" }, "from here")], ": it shows here as it goes.") : h("a", { href: "#/executions" }, "Show all"),
    );
  }

  function showPages({ start, page, total }) {
    const at = (place, words) => h("a", { href: link("executions", { ...Object.fromEntries(query), start: place || "" }), class: "button" }, words);
    pages.replaceChildren(...(start > 0 ? [at(Math.max(0, start - page), "← newer")] : []), ...(start + page < total ? [at(start + page, "older →")] : []));
  }

  function update(wanted) {
    query = wanted;
    for (const [place, name] of Object.keys(CHOICES).entries()) filters[place].lastChild.value = query.get(name) ?? "";
    if (document.activeElement !== search) search.value = query.get("text") ?? "";
    looking.now();
  }

  const looking = poll(look, () => pace(running), trouble("view"));
  update(asked);
  return { update, stop: looking.stop };
}

function select(name, choices, chosen) {
  const box = h("select", { name, onchange: () => chosen(box.value) }, choices.map(([value, words]) => h("option", { value }, words)));
  return labelled(LABELS[name], box);
}

function row(record) {
  const parts = {
    pill: pill(record.status),
    text: h("span", { class: "words" }),
    bar: h("progress", { max: 1, value: 0, "aria-label": "batches done" }),
    took: h("span", { class: "took" }),
  };
  const anchor = h("a", { class: "row", href: link(`executions/${encodeURIComponent(record.name)}`) },
    parts.pill,
    h("span", { class: "name" }, record.name),
    h("span", { class: "what" }, parts.bar, parts.text),
    h("time", { datetime: record.started }, moment(record.started)),
    parts.took);
  const item = h("li", {}, anchor);
  item.parts = parts;
  return item;
}

function refresh(item, record) {
  const { pill: status, text: words, bar, took } = item.parts;
  const running = record.status === "RUNNING";
  setPill(status, record.status);
  bar.hidden = !running;
  if (record.total) {
    attribute(bar, "max", record.total);
    attribute(bar, "value", record.done);
  }
  const progress = record.total === null ? "planning" : `${record.done} of ${count(record.total, "batch", "batches")}${record.failed ? `, ${record.failed} failed` : ""}`;
  text(words, running ? progress : [record.error, record.text].filter(Boolean).join(": "));
  text(took, duration(seconds(record.started, record.stopped)));
}
