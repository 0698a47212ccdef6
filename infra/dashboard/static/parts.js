import { h } from "../../web/dom.js";

// What the sections share: numbers and days for people, a row of choices, a table, and the words where there is nothing.

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

const NONE = "–";

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

export function day(iso) {
  return iso ? DAY.format(new Date(`${iso}T00:00:00Z`)) : NONE;
}

const SIGNS = { GBP: "£", EUR: "€", USD: "$" };

// How an amount of a currency is written; a currency that is not known has no sign.
export function money(currency) {
  return (value) => {
    if (value === null || value === undefined) return NONE;
    const digits = value < 1 ? 4 : 2;
    return `${SIGNS[currency] ?? ""}${value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
  };
}

export function percent(value, digits = 2) {
  if (value === null || value === undefined) return NONE;
  if (Math.abs(value) < 0.5 * 10 ** -(digits + 2)) return `${(0).toFixed(digits)} %`;
  const size = Math.abs(100 * value).toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${value < 0 ? "−" : "+"}${size} %`;
}

export function unsigned(value, digits = 1) {
  return value === null || value === undefined ? NONE : percent(Math.abs(value), digits).replace("+", "");
}

export function shares(value) {
  return value === null || value === undefined ? NONE : value.toLocaleString("en-GB", { notation: "compact", maximumFractionDigits: 1 });
}

export function rate(value) {
  return value === null || value === undefined ? NONE : value.toLocaleString("en-GB", { minimumSignificantDigits: 5, maximumSignificantDigits: 5 });
}

export function tone(value) {
  return value === null || value === undefined || value === 0 ? "flat" : value > 0 ? "up" : "down";
}

export function seconds_of(iso) {
  return Date.parse(`${iso}T00:00:00Z`) / 1000;
}
