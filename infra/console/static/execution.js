// One execution: how it stands, its graph, its batches, and what each attempt did. The address keeps what is chosen.

import { poll, post, read, readOnly } from "./api.js";
import { count, h, text } from "../web/dom.js";
import { arrows, attribute, changed, duration, keyed, look as standing, moment, pill, seconds, setPill } from "./parts.js";
import { drawing } from "./graph.js";
import { attempts, events, inputAndOutput, timeline } from "./panels.js";
import { progress } from "./progress.js";
import { startLink } from "./start.js";
import { confirm, link, narrow, overview, pace, trouble } from "./shell.js";

const TABS = { attempts: "Attempts", timeline: "Timeline", events: "Events", input: "Input and output" };

export function execution(main, name, asked) {
  const chosen = { batch: null, state: "", tab: "attempts" };
  let record = null, graph = null;
  const head = heading(name);
  const bar = actions(name, () => looking.now());
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
  main.append(h("p", { class: "back" }, h("a", { href: "#/executions" }, "← Executions")), head.element, bar.element, body);
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
    bar.update(record);
    if (changed(canvas, record.graph)) {
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
  return { update, stop: () => (looking.stop(), bar.stop(), document.removeEventListener("keydown", clear)) };
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
    outcome: h("div", { class: "outcome", "aria-live": "polite" }),
  };
  const element = h("header", { class: "execution-head" }, h("div", { class: "title-line" }, h("h1", {}, name), parts.status), parts.facts, parts.bar, parts.outcome);
  return {
    element,
    update(record, choose) {
      setPill(parts.status, record.status);
      text(parts.facts, facts(record).join(" · "));
      parts.bar.hidden = record.status !== "RUNNING" || !record.total;
      attribute(parts.bar, "max", record.total || 1);
      attribute(parts.bar, "value", record.done);
      if (changed(parts.outcome, [record.status, record.text, record.failures])) parts.outcome.replaceChildren(...outcome(record, choose));
    },
  };
}

// What can be done with the execution; each action is confirmed, and what it starts is followed.
function actions(name, changedNow) {
  const path = `api/executions/${encodeURIComponent(name)}`;
  const results = h("div", { "aria-live": "polite" });
  const buttons = {
    stop: h("button", { type: "button", class: "danger", hidden: true, onclick: () => doing(stop) }, "Stop …"),
    retry: h("button", { type: "button", class: "primary", hidden: true, onclick: () => doing(retry) }, "Retry …"),
  };
  const again = h("a", { class: "button", hidden: true }, "Start like this …");
  const other = h("a", { class: "button", href: link("compare", { a: name }) }, "Compare …");
  let followed = null, busy = false;

  async function stop() {
    const words = ["Days that are loaded stay. A function that runs comes to its end, and nothing follows it: there is no report. What is missing is loaded by Retry, or by the next daily run if it is of the last week."];
    if (!(await confirm(`Stop ${name} on ${overview.target}?`, words, "Stop it", "danger"))) return;
    await post(`${path}/stop`, {});
    changedNow();
  }

  async function retry() {
    const plan = (await post(`${path}/retry`, { dry_run: true })).results;
    const lines = plan.map((one) => h("li", {}, h("code", {}, one.execution || "nothing"), ` ${one.result}: `, h("code", {}, JSON.stringify(one.input))));
    const words = [h("p", {}, "What it did not get done is run again, as by ", h("code", {}, `marketlake retry ${name}`), "."), h("ul", {}, lines)];
    if (!(await confirm(`Retry what ${name} did not get done, on ${overview.target}?`, words, "Retry", "primary"))) return;
    followed?.stop();
    followed = progress((await post(`${path}/retry`, {})).results);
    results.replaceChildren(followed.element);
  }

  async function doing(act) {
    if (busy) return;
    busy = true;
    try {
      await act();
      trouble("post")(null);
    } catch (error) {
      trouble("post")(error);
    }
    busy = false;
  }

  return {
    element: h("div", {}, h("div", { class: "actions" }, ...(readOnly ? [] : [buttons.stop, buttons.retry, again]), other), results),
    update(record) {
      const running = record.status === "RUNNING";
      buttons.stop.hidden = !running;
      buttons.retry.hidden = running || record.error === "InvalidRequest" || (record.status === "SUCCEEDED" && !record.advice);
      again.hidden = running;
      attribute(again, "href", startLink(parsed(record.input)));
    },
    stop: () => (followed?.stop(), trouble("post")(null)),
  };
}

function parsed(input) {
  try {
    return JSON.parse(input);
  } catch {
    return {};
  }
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
    const batch = record.batches.find((one) => one.dataset === failure.dataset && one.period === failure.period);
    return h("li", {}, failure.text, batch ? " " : "", batch ? h("button", { type: "button", class: "small", onclick: () => choose({ batch: batch.index, state: "" }) }, "show") : "");
  });
  if (failures.length) lines.push(h("ul", {}, failures));
  if (record.advice) lines.push(h("p", { class: "muted" }, "Next: ", record.advice));
  if (record.link) lines.push(h("p", {}, h("a", { href: record.link, rel: "noreferrer", target: "_blank" }, "Open it in AWS's console")));
  return [h("div", { class: `note ${good ? "ok" : "bad"}` }, lines)];
}

// The batches as chips, and the chosen one with why it failed.
function batches(choose) {
  const title = h("h2", {}, "Batches");
  const sum = h("p", { class: "muted" });
  const chips = h("div", { class: "chips" });
  const about = h("div", { class: "about", "aria-live": "polite" });
  arrows(chips, "button");

  function update(record, chosen) {
    const by = {};
    for (const batch of record.batches) by[batch.status] = (by[batch.status] ?? 0) + 1;
    const counts = Object.entries(by).map(([status, number]) => `${number} ${standing(status).words}`).join(", ");
    text(sum, record.batches.length ? counts : record.total === 0 ? "Nothing was left to do: no batch." : record.status === "RUNNING" ? "Plan has not answered yet." : "No batch was made.");
    keyed(chips, record.batches, (batch) => batch.index, chip, (element, batch) => {
      const mine = batch.index === chosen.batch;
      const { tone, sign, words } = standing(batch.status);
      attribute(element, "class", `chip ${tone}`);
      attribute(element, "aria-pressed", mine ? "true" : "false");
      text(element.children[0], sign);
      text(element.children[3], batch.retries ? `↻ ${batch.retries}` : "");
      attribute(element, "aria-label", `batch ${batch.index}, ${batch.text}: ${words}${batch.retries ? `, ${count(batch.retries, "retry", "retries")}` : ""}`);
      element.onclick = () => {
        choose(mine ? { batch: null } : { batch: batch.index, state: "" });
        about.scrollIntoView({ block: "nearest" });
      };
    });
    showChosen(about, record, chosen, choose);
  }

  return { element: h("div", {}, title, sum, chips, about), update };
}

function chip(batch) {
  return h("button", { type: "button", "data-batch": batch.index }, h("span", { class: "sign", "aria-hidden": "true" }), h("strong", {}, batch.dataset), h("span", {}, batch.days), h("span", { class: "retries" }));
}

function showChosen(about, record, chosen, choose) {
  const batch = record.batches.find((one) => one.index === chosen.batch);
  if (!changed(about, [batch, chosen.state])) return;
  if (!batch && !chosen.state) return about.replaceChildren();
  const status = batch ? pill(batch.status) : null;
  const what = [batch ? `Batch ${batch.index}: ${batch.text}, ${count(batch.count, "day")}` : "", chosen.state].filter(Boolean).join(" · ");
  const cause = batch?.error ? h("p", { class: "cause" }, h("strong", {}, `${batch.error} in ${batch.state}: `), batch.cause) : null;
  const clear = h("button", { type: "button", class: "small", onclick: () => choose({ batch: null, state: "" }) }, "clear (Esc)");
  about.replaceChildren(h("div", { class: "chosen" }, h("div", { class: "title-line" }, h("strong", {}, what), status ?? "", clear), cause ?? ""));
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
