// A run or a backfill: what is wanted, what Plan would do with it, and the start once that was confirmed.

import { post, readOnly } from "./api.js";
import { count, h, text } from "../web/dom.js";
import { attribute, labelled, table } from "./parts.js";
import { confirm, link, overview, trouble } from "./shell.js";

export function start(main, _name, asked) {
  main.append(h("h1", {}, "Start"));
  if (readOnly) return nothing(main);
  let busy = false;
  const note = h("div", { "aria-live": "polite" });
  const sets = h("div", { class: "choices" });
  const fields = {
    start: h("input", { type: "date", name: "start" }),
    end: h("input", { type: "date", name: "end" }),
    symbols: h("input", { type: "text", name: "symbols", placeholder: "such as AZN.L, BT-A.L", spellcheck: "false", autocomplete: "off" }),
    force: h("input", { type: "checkbox", name: "force" }),
  };
  const button = h("button", { type: "submit", class: "primary" }, "Preview …");
  main.append(
    h("p", { class: "muted" }, "Without days it is the daily run: the last week, read again. With days it is a backfill: days that are loaded are left out. The preview asks Plan and starts nothing."),
    h("form", { class: "card ask", onsubmit: (event) => (event.preventDefault(), ask()) },
      h("fieldset", {}, h("legend", {}, "Datasets"), sets, h("p", { class: "muted" }, "None chosen means all.")),
      h("fieldset", {}, h("legend", {}, "Days"), h("div", { class: "filters" }, labelled("First", fields.start), labelled("Last, included", fields.end))),
      h("fieldset", {}, h("legend", {}, "Symbols"), labelled("These only, separated by commas; empty for all", fields.symbols)),
      h("label", { class: "check" }, fields.force, h("span", {}, "Load days that are loaded already, too (force)")),
      h("div", { class: "actions" }, button)),
    note);

  // The datasets come with the overview, which may not be there yet.
  function showSets() {
    const names = Object.keys(overview.datasets);
    if (!names.length || sets.children.length) return;
    const wanted = query.getAll("datasets");
    sets.replaceChildren(...names.map((name) => {
      const box = h("input", { type: "checkbox", name: "datasets", value: name });
      box.checked = wanted.includes(name);
      return h("label", { class: "check" }, box, h("span", {}, name));
    }));
  }

  function request() {
    const datasets = [...sets.querySelectorAll("input:checked")].map((box) => box.value);
    const symbols = fields.symbols.value.split(/[\s,;]+/).filter(Boolean);
    return { datasets, symbols, start: fields.start.value, end: fields.end.value, force: fields.force.checked };
  }

  async function ask() {
    if (busy) return;
    busy = true;
    attribute(button, "aria-busy", "true");
    note.replaceChildren(h("p", { class: "muted" }, "asking Plan …"));
    try {
      const found = await post("api/preview", { request: request() });
      trouble("post")(null);
      note.replaceChildren();
      await decide(found);
    } catch (error) {
      note.replaceChildren();
      trouble("post")(error);
    }
    busy = false;
    attribute(button, "aria-busy", null);
  }

  async function decide(found) {
    const words = [sum(found), datasetTable(found), h("details", {}, h("summary", {}, "The input"), h("pre", { tabindex: "0" }, JSON.stringify(found.request, null, 2)))];
    if (!found.batches) return note.replaceChildren(h("div", { class: "note ok" }, h("p", {}, "Nothing is left to do: all of these days are loaded. With force they are loaded again.")));
    if (!(await confirm(`Start this ${found.kind} on ${overview.target}?`, words, `Start the ${found.kind}`, "primary"))) return;
    const { execution } = await post("api/start", { request: found.request });
    location.hash = link(`executions/${encodeURIComponent(execution)}`);
  }

  let query = asked;
  function update(wanted) {
    query = wanted;
    sets.replaceChildren();
    for (const name of ["start", "end", "symbols"]) fields[name].value = wanted.getAll(name).join(", ");
    fields.force.checked = wanted.get("force") === "true";
    showSets();
  }
  update(asked);
  return { update, counted: showSets, stop: () => trouble("post")(null) };
}

// The address of the form filled in with an execution's input.
export function startLink(input) {
  const given = new URLSearchParams();
  for (const name of ["start", "end", "force"]) if (typeof input?.[name] === "string" || input?.[name] === true) given.set(name, input[name]);
  for (const name of ["datasets", "symbols"]) if (Array.isArray(input?.[name])) input[name].forEach((one) => given.append(name, one));
  return `#/start${given.size ? `?${given}` : ""}`;
}

function nothing(main) {
  main.append(h("p", {}, "This console may only read: it was started with ", h("code", {}, "--read-only"), "."));
  return { update() {}, stop() {} };
}

function sum(found) {
  const element = h("p", {});
  const dollars = found.dollars < 0.01 ? "under $0.01" : `about $${found.dollars.toFixed(2)}`;
  const minutes = found.minutes < 1 ? "under a minute" : `about ${count(Math.round(found.minutes), "minute")}`;
  text(element, `${count(found.days, "day")} in ${count(found.batches, "batch", "batches")}: ${count(found.source_requests, "request")} to the sources, ${count(found.s3_requests, "request")} to S3; ${dollars} in an account, ${minutes}.`);
  return element;
}

function datasetTable(found) {
  const rows = found.datasets.map((one) => [one.dataset, one.days, one.done, one.batches, one.days ? `${one.first} to ${one.last}` : "", one.source_requests]);
  return table("What Plan would do", ["dataset", "days to load", "loaded", "batches", "from, to", "requests"], rows);
}
