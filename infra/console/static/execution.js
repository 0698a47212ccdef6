// One execution: how it stands, its graph, its batches, and what each attempt did. The address keeps what is chosen.

import { poll, read } from "./api.js";
import { attempts } from "./attempts.js";
import { batches } from "./batches.js";
import { attribute, block, count, duration, h, moment, pill, seconds, setPill, text } from "../web/dom.js";
import { events } from "./events.js";
import { drawing } from "./graph.js";
import { link, narrow } from "./nav.js";
import { pace, trouble } from "./shell.js";
import { timeline } from "./timeline.js";

const TABS = { attempts: "Attempts", timeline: "Timeline", events: "Events", input: "Input and output" };

export function execution(main, name, asked) {
  const chosen = { batch: null, state: "", tab: "attempts" };
  let record = null, graph = null, drawn = "";
  const head = heading(name);
  const canvas = h("div", { class: "canvas" });
  const graphNote = h("p", { class: "muted" });
  const panel = h("div", { class: "panel", role: "tabpanel" });
  const parts = { attempts: attempts(name), timeline: timeline(choose), events: events(name), input: inputAndOutput() };
  const list = batches(choose);
  const tabs = tabBar((tab) => choose({ tab }));
  const body = h("div", { class: "columns", hidden: true },
    h("section", { class: "card graph-card", "aria-label": "Graph" }, h("h2", {}, "Graph"), graphNote, canvas),
    h("div", { class: "column" },
      h("section", { class: "card", "aria-label": "Batches" }, list.element),
      h("section", { class: "card", "aria-label": "Details" }, tabs.element, panel)));
  main.append(h("p", { class: "back" }, h("a", { href: "#/executions" }, "← Executions")), head.element, body);
  const clear = (event) => event.key === "Escape" && !document.querySelector("dialog[open]") && (chosen.batch !== null || chosen.state) && choose({ batch: null, state: "" });
  document.addEventListener("keydown", clear);

  function choose(change) {
    const wanted = { ...chosen, ...change };
    narrow(link(`executions/${encodeURIComponent(name)}`, { ...wanted, tab: wanted.tab === "attempts" ? "" : wanted.tab }));
  }

  async function look() {
    record = await read(`api/executions/${encodeURIComponent(name)}`);
    draw();
  }

  function draw() {
    if (!record) return;
    body.hidden = false;
    head.update(record, choose);
    const shape = JSON.stringify(record.graph);
    if (shape !== drawn) {
      drawn = shape;
      graph = drawing(record.graph, (state) => choose({ state: chosen.state === state ? "" : state }));
      canvas.replaceChildren(graph.svg);
    }
    const batch = record.batches.find((one) => one.index === chosen.batch) ?? null;
    graph.update(batch ? { ...outside(record), ...batch.states } : record.states, chosen.state, batch?.index ?? null);
    text(graphNote, batch ? `inside the box: batch ${batch.index}, ${batch.text}` : record.batches.length ? "inside the box: all batches together" : "");
    list.update(record, chosen);
    tabs.update(chosen.tab);
    const part = parts[chosen.tab];
    if (panel.firstChild !== part.element) panel.replaceChildren(part.element);
    part.update(record, { batch: batch?.index ?? null, state: chosen.state });
  }

  function update(query) {
    const batch = query.get("batch");
    chosen.batch = batch !== null && /^\d+$/.test(batch) ? Number(batch) : null;
    chosen.state = query.get("state") ?? "";
    chosen.tab = query.get("tab") in TABS ? query.get("tab") : "attempts";
    draw();
  }

  update(asked);
  const looking = poll(look, () => pace(record?.status === "RUNNING"), trouble("view"));
  return { update, stop: () => (looking.stop(), document.removeEventListener("keydown", clear)) };
}

// The states that are in no batch.
function outside(record) {
  return Object.fromEntries(Object.entries(record.states).filter(([, stand]) => !stand.counts));
}

function heading(name) {
  const parts = {
    status: pill("RUNNING"),
    facts: h("p", { class: "facts" }),
    bar: h("progress", { "aria-label": "batches done", max: 1, value: 0 }),
    told: h("div", { class: "outcome", "aria-live": "polite" }),
  };
  const element = h("header", { class: "execution-head" }, h("div", { class: "title-line" }, h("h1", {}, name), parts.status), parts.facts, parts.bar, parts.told);
  let before = "";
  return {
    element,
    update(record, choose) {
      setPill(parts.status, record.status);
      text(parts.facts, facts(record).join(" · "));
      parts.bar.hidden = record.status !== "RUNNING" || !record.total;
      attribute(parts.bar, "max", record.total || 1);
      attribute(parts.bar, "value", record.done);
      const now = JSON.stringify([record.status, record.text, record.failures]);
      if (now !== before) parts.told.replaceChildren(...outcome(record, choose));
      before = now;
    },
  };
}

function facts(record) {
  const retries = record.attempts.filter((attempt) => attempt.retry > 0).length;
  return [
    `started ${moment(record.started)}`,
    duration(seconds(record.started, record.stopped)),
    record.total === null ? "" : `${record.done} of ${count(record.total, "batch", "batches")} done`,
    record.failed ? `${record.failed} failed` : "",
    retries ? count(retries, "retry", "retries") : "",
  ].filter(Boolean);
}

function outcome(record, choose) {
  if (record.status === "RUNNING") return [];
  const good = record.status === "SUCCEEDED";
  const lines = [h("p", {}, record.error ? h("strong", {}, `${record.error}: `) : "", record.text)];
  const failures = record.failures.map((failure) => {
    const batch = record.batches.find((one) => one.dataset === failure.dataset && one.days === failure.period);
    return h("li", {}, failure.text, batch ? " " : "", batch ? h("button", { type: "button", class: "small", onclick: () => choose({ batch: batch.index, state: "" }) }, "show") : "");
  });
  if (failures.length) lines.push(h("ul", {}, failures));
  if (record.advice) lines.push(h("p", { class: "muted" }, "Next: ", record.advice));
  if (record.link) lines.push(h("p", {}, h("a", { href: record.link, rel: "noreferrer", target: "_blank" }, "Open it in AWS's console")));
  return [h("div", { class: `note ${good ? "ok" : "bad"}` }, lines)];
}

function inputAndOutput() {
  const element = h("div", {});
  let before = "";
  return {
    element,
    update(record) {
      const now = JSON.stringify([record.input, record.output, record.error, record.cause]);
      if (now === before) return;
      before = now;
      const end = record.error || record.cause ? [block("Error", record.error, "none"), block("Cause", record.cause, "none")] : [block("Output", record.output, record.status === "RUNNING" ? "it is running" : "none")];
      element.replaceChildren(block("Input", record.input, "none"), ...end, h("p", { class: "muted" }, record.arn));
    },
  };
}

function tabBar(chosen) {
  const buttons = Object.entries(TABS).map(([tab, words]) => h("button", { type: "button", role: "tab", "data-tab": tab, onclick: () => chosen(tab) }, words));
  const element = h("div", { class: "tabs", role: "tablist", "aria-label": "Details" }, buttons);
  element.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = buttons.indexOf(event.target);
    if (!step || at < 0) return;
    const next = buttons[(at + step + buttons.length) % buttons.length];
    next.focus();
    chosen(next.dataset.tab);
  });
  return {
    element,
    update(tab) {
      for (const button of buttons) {
        const mine = button.dataset.tab === tab;
        attribute(button, "aria-selected", mine ? "true" : "false");
        attribute(button, "tabindex", mine ? "0" : "-1");
      }
    },
  };
}
