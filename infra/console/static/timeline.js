// Bars over time: a line a batch and a line a state outside the batches, a bar an attempt.

import { attribute, duration, h, keyed, look, seconds, text } from "../web/dom.js";

const MOST = 400;

export function timeline(chosen) {
  const axis = h("div", { class: "axis", "aria-hidden": "true" });
  const lines = h("div", { class: "lines" });
  const note = h("p", { class: "muted" });
  const element = h("div", { class: "timeline" }, axis, lines, note);
  return { element, update: (record) => update(record, axis, lines, note, chosen) };
}

function update(record, axis, lines, note, chosen) {
  const total = Math.max(0.1, seconds(record.started, record.stopped));
  const rows = new Map();
  for (const attempt of record.attempts) {
    const batch = attempt.batch === null ? null : record.batches[attempt.batch];
    const key = batch ? `batch ${batch.index}` : attempt.state;
    if (!rows.has(key)) rows.set(key, { key, batch, state: attempt.state, attempts: [] });
    rows.get(key).attempts.push(attempt);
  }
  const shown = [...rows.values()].slice(0, MOST);
  text(note, rows.size > MOST ? `The first ${MOST} of ${rows.size} lines.` : rows.size ? "" : "No state has started.");
  axis.replaceChildren(...[0, 0.25, 0.5, 0.75, 1].map((part) => h("span", {}, duration(total * part))));
  keyed(lines, shown, (line) => line.key, (line) => make(line, chosen), (element, line) => {
    keyed(element.lastChild, line.attempts, (attempt) => attempt.id, () => h("i", { class: "bar" }), (bar, attempt) => place(bar, attempt, record, total));
  });
}

function make({ batch, state }, chosen) {
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
