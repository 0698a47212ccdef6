// Two executions side by side; what differs has a sign.

import { poll, read } from "./api.js";
import { count, h } from "../web/dom.js";
import { changed, duration, labelled, moment, look as standing, table } from "./parts.js";
import { link, narrow, pace, trouble } from "./shell.js";

const TITLES = { facts: "Executions", counts: "What each dataset got", states: "States", batches: "Batches" };

export function compare(main, _name, asked) {
  let query = asked, settled = "";
  const boxes = { a: chooser("First", "a"), b: chooser("Second", "b") };
  const note = h("p", { class: "muted", "aria-live": "polite" });
  const tables = h("div", { class: "datasets" });
  main.append(h("p", { class: "back" }, h("a", { href: "#/executions" }, "← Executions")), h("h1", {}, "Compare"),
    h("form", { class: "filters", onsubmit: (event) => event.preventDefault() }, boxes.a.element, boxes.b.element), note, tables);

  function chooser(words, name) {
    const box = h("select", { name, onchange: () => narrow(link("compare", { ...Object.fromEntries(query), [name]: box.value })) });
    return { box, element: labelled(words, box) };
  }

  async function look() {
    if (settled && settled === query.toString()) return; // both have ended: nothing changes any more
    const list = await read("api/executions");
    for (const name of ["a", "b"]) fill(boxes[name].box, query.get(name) ?? "", list.executions.map((one) => one.name));
    const wanted = query.toString();
    if (!query.get("a") || !query.get("b")) return void note.replaceChildren("Choose two executions.");
    const found = await read(`api/compare?${wanted}`);
    if (wanted !== query.toString()) return;
    settled = found.facts.find((one) => one.name === "status").values.includes("RUNNING") ? "" : wanted;
    if (!changed(tables, found)) return;
    note.replaceChildren("≠ marks what differs.");
    tables.replaceChildren(...Object.entries(TITLES).map(([key, title]) => section(title, found.names, found[key])));
  }

  const looking = poll(look, () => pace(false), trouble("view"));
  return {
    update(wanted) {
      query = wanted;
      looking.now();
    },
    stop: looking.stop,
  };
}

function fill(box, chosen, names) {
  const all = [...new Set(["", chosen, ...names])];
  if (changed(box, all)) box.replaceChildren(...all.map((name) => h("option", { value: name }, name || "choose one")));
  box.value = chosen;
}

function section(title, names, rows) {
  const lines = rows.map(({ name, values }) => {
    const shown = values.map((value) => words(name, value));
    return [shown[0] === shown[1] ? "" : "≠", name, ...shown];
  });
  const none = rows.length ? table(title, ["differs", "what", ...names], lines) : h("p", { class: "muted" }, "neither has any");
  return h("section", { class: "card", "aria-label": title }, h("h2", {}, title), none);
}

function words(name, value) {
  if (value === null || value === "") return "–";
  if (typeof value === "object") return [value.status ? standing(value.status).words : "", value.error, `${count(value.attempts, "attempt")}${value.retries ? `, ${count(value.retries, "retry", "retries")}` : ""}, ${duration(value.seconds)}`].filter(Boolean).join(" · ");
  if (name === "seconds") return duration(value);
  if (name === "started" || name === "stopped") return moment(value);
  return name === "status" ? standing(value).words : typeof value === "number" ? value.toLocaleString("en") : value;
}
