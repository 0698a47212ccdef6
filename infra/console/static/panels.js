// What an execution's details show: its attempts, bars over time, the history, and what went in and came out.

import { Trouble, read } from "./api.js";
import { count, h, text } from "../web/dom.js";
import { attribute, block, changed, duration, keyed, look, moment, pill, seconds, setPill } from "./parts.js";
import { answer } from "./shell.js";

const MOST_ATTEMPTS = 100, MOST_LINES = 400;

// The attempts of a batch or a state; one that is opened shows what went in, what came out, and what was logged.
export function attempts(name) {
  const list = h("div", { class: "attempts" });
  const note = h("p", { class: "muted" });
  return {
    element: h("div", {}, list, note),
    update(record, { batch, state }) {
      const all = record.attempts.filter((one) => (batch === null || one.batch === batch) && (!state || one.state === state));
      // What went wrong first, where there is more than anyone reads; otherwise in the order of time.
      const bad = all.filter((one) => one.error || !one.ended);
      const shown = all.length <= MOST_ATTEMPTS ? all : [...bad, ...all.filter((one) => !bad.includes(one))].slice(0, MOST_ATTEMPTS);
      const more = all.length > shown.length ? `${shown.length} of ${all.length.toLocaleString("en")} attempts, failed ones first; choose a batch to see all of its.` : "";
      text(note, all.length ? more : "No attempt: this state calls nothing, or it has not run.");
      keyed(list, shown, (one) => one.id, (one) => attempt(name, one.id), (element, one) => refresh(element, one, record));
    },
  };
}

function attempt(name, id) {
  const parts = { pill: pill("running"), title: h("span", { class: "title" }), took: h("span", { class: "took" }), words: h("span", { class: "words" }) };
  const inside = h("div", { class: "inside" });
  const element = h("details", { class: "attempt" }, h("summary", {}, parts.pill, parts.title, parts.took, parts.words), inside);
  element.parts = parts;
  element.addEventListener("toggle", () => element.open && open(name, inside, id));
  return element;
}

function refresh(element, one, record) {
  const status = one.error ? "failed" : one.ended ? "succeeded" : record.status === "RUNNING" ? "running" : "stopped";
  const { parts } = element;
  const batch = one.batch === null ? null : record.batches[one.batch];
  setPill(parts.pill, status);
  text(parts.title, `${one.state}${one.retry ? `, attempt ${one.retry + 1}` : ""}${batch ? ` · ${batch.text}` : ""}`);
  text(parts.took, duration(seconds(one.started, one.ended ?? record.stopped)));
  text(parts.words, one.error ? `${one.error}: ${one.cause}` : one.result);
  if (element.open && element.dataset.status !== status) element.dispatchEvent(new Event("toggle"));
  element.dataset.status = status;
}

function open(name, inside, id) {
  const path = `api/executions/${encodeURIComponent(name)}/attempts/${id}`;
  if (!inside.children.length) inside.replaceChildren(h("p", { class: "muted" }, "reading …"));
  return answer(inside, path, (found) => [
    h("p", { class: "muted" }, `started ${moment(found.started)}${found.ended ? `, ended ${moment(found.ended)}` : ""}`),
    ...(found.error ? [h("p", { class: "cause" }, h("strong", {}, found.error), ` ${found.cause}`), block("Cause as it came", found.whole_cause, "none")] : []),
    block("Input", found.input, "not in the history"),
    ...(found.error ? [] : [block("Output", found.output, found.ended ? "not in the history" : "it is running")]),
    logs(path),
  ]);
}

function logs(path) {
  const lines = h("div", { "aria-live": "polite" });
  const button = h("button", { type: "button", onclick: show }, "Show logs");
  function show() {
    lines.replaceChildren(h("p", { class: "muted" }, "reading CloudWatch Logs …"));
    return answer(lines, `${path}/logs`, (found) => [
      h("p", { class: "muted" }, found.lines.length ? `${count(found.lines.length, "line")} of ${found.group}` : found.why),
      ...found.lines.map(logLine),
    ]);
  }
  return h("section", { class: "block" }, h("h4", {}, "Logs"), button, lines);
}

function logLine({ time, text: line, document }) {
  const level = document?.level ?? "";
  const message = document?.message ?? line;
  const head = h("summary", {}, h("time", {}, moment(time).slice(11)), h("span", { class: `level ${level.toLowerCase()}` }, level), h("span", {}, message));
  const whole = document?.exception ? [h("pre", { tabindex: "0" }, document.exception)] : [];
  return h("details", { class: "log" }, head, ...whole, h("pre", { tabindex: "0" }, document ? JSON.stringify({ ...document, exception: undefined }, null, 2) : line));
}

// Bars over time: a line a batch and a line a state outside the batches, a bar an attempt.
export function timeline(chosen) {
  const axis = h("div", { class: "axis", "aria-hidden": "true" });
  const lines = h("div", { class: "lines" });
  const note = h("p", { class: "muted" });
  return {
    element: h("div", { class: "timeline" }, axis, lines, note),
    update(record) {
      const total = Math.max(0.1, seconds(record.started, record.stopped));
      const rows = new Map();
      for (const attempt of record.attempts) {
        const batch = attempt.batch === null ? null : record.batches[attempt.batch];
        const key = batch ? `batch ${batch.index}` : attempt.state;
        if (!rows.has(key)) rows.set(key, { key, batch, state: attempt.state, attempts: [] });
        rows.get(key).attempts.push(attempt);
      }
      const shown = [...rows.values()].slice(0, MOST_LINES);
      text(note, rows.size > MOST_LINES ? `The first ${MOST_LINES} of ${rows.size} lines.` : rows.size ? "" : "No state has started.");
      axis.replaceChildren(...[0, 0.25, 0.5, 0.75, 1].map((part) => h("span", {}, duration(total * part))));
      keyed(lines, shown, (one) => one.key, (one) => line(one, chosen), (element, one) => {
        keyed(element.lastChild, one.attempts, (attempt) => attempt.id, () => h("i", { class: "bar" }), (bar, attempt) => place(bar, attempt, record, total));
      });
    },
  };
}

function line({ batch, state }, chosen) {
  const label = h("button", { type: "button", class: "line-label", onclick: () => chosen(batch ? { batch: batch.index } : { state }) }, batch ? batch.text : state);
  return h("div", { class: "line" }, label, h("div", { class: "track" }));
}

function place(bar, attempt, record, total) {
  const from = seconds(record.started, attempt.started) / total;
  const long = seconds(attempt.started, attempt.ended ?? record.stopped) / total;
  bar.style.left = `${Math.min(from, 1) * 100}%`;
  bar.style.width = `max(3px, ${Math.min(long, 1) * 100}%)`;
  const status = attempt.error ? "failed" : attempt.ended ? "succeeded" : "running";
  attribute(bar, "class", `bar ${look(status).tone} s-${attempt.state.toLowerCase()}`);
  const tried = attempt.retry ? `, attempt ${attempt.retry + 1}` : "";
  attribute(bar, "title", `${attempt.state}${tried}: ${duration(seconds(attempt.started, attempt.ended))}${attempt.error ? `, ${attempt.error}` : ""}`);
}

// The history as Step Functions wrote it: two hundred events at a time, each in full when it is opened.
export function events(name) {
  const list = h("div", { class: "events" });
  const note = h("p", { class: "muted", "aria-live": "polite" });
  const more = h("button", { type: "button", hidden: true, onclick: () => load() }, "Show more");
  const element = h("div", {}, note, list, more);
  const path = `api/executions/${encodeURIComponent(name)}/events`;
  let found = [], total = 0, key = "", busy = false, started = "";

  async function load() {
    if (busy) return;
    busy = true;
    const asked = key;
    try {
      const page = await read(`${path}?${asked}&start=${found.length}`);
      if (asked === key) {
        found = [...found, ...page.events];
        total = page.total;
        draw();
      }
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      text(note, `${error.message}. ${error.advice}`);
    } finally {
      busy = false;
    }
  }

  function draw() {
    text(note, total ? `${found.length.toLocaleString("en")} of ${total.toLocaleString("en")} events` : "No event of this batch or state is in the history.");
    more.hidden = found.length >= total;
    keyed(list, found, (event) => event.id, (event) => make(event));
  }

  function make(event) {
    const inside = h("div", { class: "inside" });
    const about = [event.state, event.batch === null ? "" : `batch ${event.batch}`].filter(Boolean).join(" · ");
    const element = h("details", { class: "event" }, h("summary", {},
      h("span", { class: "number" }, event.id), h("span", { class: "type" }, event.type), h("span", { class: "about" }, about), h("span", { class: "took" }, duration(seconds(started, event.time)))), inside);
    element.addEventListener("toggle", async () => {
      if (!element.open || inside.children.length) return;
      const whole = await read(`${path}/${event.id}`).catch((error) => ({ error: error.message }));
      inside.replaceChildren(h("pre", { tabindex: "0" }, JSON.stringify(whole, unfold, 2)));
    });
    return element;
  }

  return {
    element,
    update(record, { batch, state }) {
      const wanted = new URLSearchParams({ ...(batch === null ? {} : { batch }), ...(state ? { state } : {}) }).toString();
      started = record.started;
      if (wanted !== key || !found.length) {
        [key, found, total] = [wanted, [], 0];
        load();
      } else if (record.events !== element.events && found.length >= total) load();
      element.events = record.events;
    },
  };
}

// Documents inside a document are easier to read as what they are than as one long line.
function unfold(_key, value) {
  if (typeof value !== "string" || !/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

export function inputAndOutput() {
  const element = h("div", {});
  return {
    element,
    update(record) {
      if (!changed(element, [record.input, record.output, record.error, record.cause])) return;
      const end = record.error || record.cause ? [block("Error", record.error, "none"), block("Cause", record.cause, "none")] : [block("Output", record.output, record.status === "RUNNING" ? "it is running" : "none")];
      element.replaceChildren(block("Input", record.input, "none"), ...end, h("p", { class: "muted" }, record.arn));
    },
  };
}
