// Executions that an action has started, each followed to its end.

import { poll, read } from "./api.js";
import { count, h, text } from "../web/dom.js";
import { attribute, pill, setPill } from "./parts.js";
import { link, pace, trouble } from "./shell.js";

const FOLLOWED = 5;

// `results` are what the console did for each piece of work; `stop()` when they are not shown any more.
export function progress(results) {
  const rows = results.map(row);
  const element = h("div", { class: `note ${results.every((one) => one.done) ? "ok" : "bad"}` }, h("ul", {}, rows.map((one) => one.element)));
  async function look() {
    const running = rows.filter((one) => one.name && !one.ended);
    if (!running.length) return looking?.stop();
    for (const one of running.slice(0, FOLLOWED)) update(one, await read(`api/executions/${encodeURIComponent(one.name)}`));
  }
  const looking = rows.some((one) => one.name) ? poll(look, () => pace(true), trouble("progress")) : null;
  return { element, stop: () => (looking?.stop(), trouble("progress")(null)) };
}

function row(one) {
  const name = one.done ? one.execution : "";
  const status = pill("waiting");
  const bar = h("progress", { max: 1, value: 0, "aria-label": `batches done of ${name}`, hidden: true });
  const words = h("span", {});
  status.hidden = !name;
  const what = name ? h("a", { href: link(`executions/${encodeURIComponent(name)}`) }, name) : h("code", {}, one.execution || one.id || JSON.stringify(one.input));
  return { name, status, bar, words, ended: false, element: h("li", {}, what, ` ${one.result} `, status, words, bar) };
}

function update(one, record) {
  one.ended = record.status !== "RUNNING";
  setPill(one.status, record.status);
  one.bar.hidden = one.ended || !record.total;
  attribute(one.bar, "max", record.total || 1);
  attribute(one.bar, "value", record.done);
  text(one.words, one.ended ? ` ${record.text}` : record.total === null ? " planning" : ` ${record.done} of ${count(record.total, "batch", "batches")}`);
}
