// The batches as chips, and the chosen one with what became of it.

import { arrows, attribute, count, h, keyed, look, pill, setPill, text } from "../web/dom.js";

export function batches(choose) {
  const title = h("h2", {}, "Batches");
  const sum = h("p", { class: "muted" });
  const chips = h("div", { class: "chips" });
  const about = h("div", { class: "about", "aria-live": "polite" });
  arrows(chips, "button");
  return { element: h("div", {}, title, sum, chips, about), update: (record, chosen) => update(record, chosen, { sum, chips, about }, choose) };
}

function update(record, chosen, parts, choose) {
  const by = {};
  for (const batch of record.batches) by[batch.status] = (by[batch.status] ?? 0) + 1;
  const told = Object.entries(by).map(([status, number]) => `${number} ${look(status).words}`).join(", ");
  text(parts.sum, record.batches.length ? told : record.total === 0 ? "Nothing was left to do: no batch." : record.status === "RUNNING" ? "Plan has not answered yet." : "No batch was made.");
  keyed(parts.chips, record.batches, (batch) => batch.index, (batch) => chip(batch, choose), (element, batch) => {
    const mine = batch.index === chosen.batch;
    const { tone, sign, words } = look(batch.status);
    attribute(element, "class", `chip ${tone}`);
    attribute(element, "aria-pressed", mine ? "true" : "false");
    text(element.children[0], sign);
    text(element.children[3], batch.retries ? `↻ ${batch.retries}` : "");
    attribute(element, "aria-label", `batch ${batch.index}, ${batch.text}: ${words}${batch.retries ? `, ${count(batch.retries, "retry", "retries")}` : ""}`);
    element.onclick = () => {
      choose(mine ? { batch: null } : { batch: batch.index, state: "" });
      parts.about.scrollIntoView({ block: "nearest" });
    };
  });
  tell(parts.about, record, chosen, choose);
}

function chip(batch) {
  return h("button", { type: "button", "data-batch": batch.index }, h("span", { class: "sign", "aria-hidden": "true" }), h("strong", {}, batch.dataset), h("span", {}, batch.days), h("span", { class: "retries" }));
}

function tell(about, record, chosen, choose) {
  const batch = record.batches.find((one) => one.index === chosen.batch);
  const now = JSON.stringify([batch ?? null, chosen.state]);
  if (about.dataset.told === now) return;
  about.dataset.told = now;
  if (!batch && !chosen.state) return about.replaceChildren();
  const status = batch ? pill(batch.status) : null;
  if (batch) setPill(status, batch.status);
  const what = [batch ? `Batch ${batch.index}: ${batch.text}, ${count(batch.count, "day")}` : "", chosen.state].filter(Boolean).join(" · ");
  const cause = batch?.error ? h("p", { class: "cause" }, h("strong", {}, `${batch.error} in ${batch.state}: `), batch.cause) : null;
  const clear = h("button", { type: "button", class: "small", onclick: () => choose({ batch: null, state: "" }) }, "clear (Esc)");
  about.replaceChildren(h("div", { class: "chosen" }, h("div", { class: "title-line" }, h("strong", {}, what), status ?? "", clear), cause ?? ""));
}
