import { h } from "../../web/dom.js";

// What the sections share: a row of choices, a table, and the words where there is nothing.

export const data = JSON.parse(document.getElementById("data").textContent);

export function section(name) {
  return document.getElementById(name);
}

// Why there is nothing: a query that failed says so itself.
export function nothing(words, ...queries) {
  const failed = data.asked.filter((asked) => queries.includes(asked.name) && asked.error);
  if (!failed.length) return h("p", { class: "nothing" }, words);
  return h("div", { class: "nothing failed", role: "note" }, h("p", {}, "This question could not be answered:"), ...failed.map((asked) => h("pre", { tabindex: "0" }, `${asked.name}: ${asked.error}`)));
}

export function choices(label, options, chosen, pick) {
  const buttons = options.map(([value, words]) =>
    h("button", { type: "button", "aria-pressed": String(value === chosen), onclick: () => choose(value) }, words));
  function choose(value) {
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(options[place][0] === value)));
    pick(value);
  }
  return h("div", { class: "choices", role: "group", "aria-label": label }, ...buttons);
}

// `columns` are {head, cell, number}; a cell is text or an element.
export function table(caption, columns, rows) {
  const kind = (column) => (column.number ? { class: "number" } : {});
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("caption", {}, caption),
      h("thead", {}, h("tr", {}, ...columns.map((column) => h("th", { scope: "col", ...kind(column) }, column.head)))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...columns.map((column) => h("td", kind(column), column.cell(row))))))));
}
