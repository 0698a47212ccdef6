// The attempts of a batch or a state; one that is opened shows what went in, what came out, and what was logged.

import { Trouble, read } from "./api.js";
import { block, count, duration, h, keyed, moment, pill, seconds, setPill, text } from "../web/dom.js";

const MOST = 100;

export function attempts(name) {
  const list = h("div", { class: "attempts" });
  const note = h("p", { class: "muted" });
  const element = h("div", {}, list, note);
  return { element, update: (record, wanted) => update(name, list, note, record, wanted) };
}

function update(name, list, note, record, { batch, state }) {
  const all = record.attempts.filter((one) => (batch === null || one.batch === batch) && (!state || one.state === state));
  // What went wrong first, where there is more than anyone reads; otherwise in the order of time.
  const bad = all.filter((one) => one.error || !one.ended);
  const shown = all.length <= MOST ? all : [...bad, ...all.filter((one) => !bad.includes(one))].slice(0, MOST);
  const more = all.length > shown.length ? `${shown.length} of ${all.length.toLocaleString("en")} attempts, failed ones first; choose a batch to see all of its.` : "";
  text(note, all.length ? more : "No attempt: this state calls nothing, or it has not run.");
  keyed(list, shown, (one) => one.id, (one) => make(name, one), (element, one) => refresh(element, one, record));
}

function make(name, attempt) {
  const parts = { pill: pill("running"), title: h("span", { class: "title" }), took: h("span", { class: "took" }), told: h("span", { class: "told" }) };
  const inside = h("div", { class: "inside" });
  const element = h("details", { class: "attempt" }, h("summary", {}, parts.pill, parts.title, parts.took, parts.told), inside);
  element.parts = parts;
  element.addEventListener("toggle", () => element.open && open(name, element, inside, attempt.id));
  return element;
}

function refresh(element, attempt, record) {
  const status = attempt.error ? "failed" : attempt.ended ? "succeeded" : record.status === "RUNNING" ? "running" : "stopped";
  const { parts } = element;
  const batch = attempt.batch === null ? null : record.batches[attempt.batch];
  setPill(parts.pill, status);
  text(parts.title, `${attempt.state}${attempt.retry ? `, attempt ${attempt.retry + 1}` : ""}${batch ? ` · ${batch.text}` : ""}`);
  text(parts.took, duration(seconds(attempt.started, attempt.ended ?? record.stopped)));
  text(parts.told, attempt.error ? `${attempt.error}: ${attempt.cause}` : attempt.result);
  if (element.open && element.dataset.status !== status) element.dispatchEvent(new Event("toggle"));
  element.dataset.status = status;
}

async function open(name, element, inside, id) {
  const path = `api/executions/${encodeURIComponent(name)}/attempts/${id}`;
  if (!inside.children.length) inside.replaceChildren(h("p", { class: "muted" }, "reading …"));
  try {
    const found = await read(path);
    inside.replaceChildren(
      h("p", { class: "muted" }, `started ${moment(found.started)}${found.ended ? `, ended ${moment(found.ended)}` : ""}`),
      ...(found.error ? [h("p", { class: "cause" }, h("strong", {}, found.error), ` ${found.cause}`), block("Cause as it came", found.whole_cause, "none")] : []),
      block("Input", found.input, "not in the history"),
      ...(found.error ? [] : [block("Output", found.output, found.ended ? "not in the history" : "it is running")]),
      logs(path),
    );
  } catch (error) {
    inside.replaceChildren(failed(error));
  }
}

function logs(path) {
  const lines = h("div", { "aria-live": "polite" });
  const button = h("button", { type: "button", onclick: () => show(lines, path) }, "Show logs");
  return h("section", { class: "block" }, h("h4", {}, "Logs"), button, lines);
}

async function show(lines, path) {
  lines.replaceChildren(h("p", { class: "muted" }, "reading CloudWatch Logs …"));
  try {
    const found = await read(`${path}/logs`);
    const told = found.lines.length ? `${count(found.lines.length, "line")} of ${found.group}` : found.why;
    lines.replaceChildren(h("p", { class: "muted" }, told), ...found.lines.map(logLine));
  } catch (error) {
    lines.replaceChildren(failed(error));
  }
}

function logLine({ time, text: line, document }) {
  const level = document?.level ?? "";
  const said = document?.message ?? line;
  const head = h("summary", {}, h("time", {}, moment(time).slice(11)), h("span", { class: `level ${level.toLowerCase()}` }, level), h("span", {}, said));
  const whole = document?.exception ? [h("pre", { tabindex: "0" }, document.exception)] : [];
  return h("details", { class: "log" }, head, ...whole, h("pre", { tabindex: "0" }, document ? JSON.stringify({ ...document, exception: undefined }, null, 2) : line));
}

function failed(error) {
  if (!(error instanceof Trouble)) throw error;
  return h("p", { class: "cause" }, h("strong", {}, error.message), error.advice ? ` Next: ${error.advice}` : "");
}
