// What the console's views are made of: lists that keep their elements, times, pills, blocks of text, keys.

import { h, text } from "../web/dom.js";

export function attribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

// Whether `value` differs from the one that was last asked about for `element`.
export function changed(element, value) {
  const now = JSON.stringify(value);
  const differs = element.shown !== now;
  element.shown = now;
  return differs;
}

// One child of `parent` an item, in their order; children stay the same element while their key does, so that focus,
// scroll and open details survive an update.
export function keyed(parent, items, keyOf, make, update) {
  const known = (parent.known ??= new Map());
  const wanted = new Set();
  items.forEach((item, place) => {
    const key = String(keyOf(item));
    wanted.add(key);
    if (!known.has(key)) known.set(key, make(item));
    const child = known.get(key);
    update?.(child, item);
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
  });
  for (const [key, child] of known) {
    if (!wanted.has(key)) {
      child.remove();
      known.delete(key);
    }
  }
}

export function seconds(from, to) {
  return Math.max(0, (new Date(to ?? Date.now()) - new Date(from)) / 1000);
}

export function duration(value) {
  if (value < 60) return `${value.toFixed(1)} s`;
  const minutes = Math.floor(Math.round(value) / 60);
  if (minutes < 60) return `${minutes} min ${String(Math.round(value) % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

// In Swedish a time is 2026-11-24 23:38:03.
const MOMENT = new Intl.DateTimeFormat("sv", { dateStyle: "short", timeStyle: "medium" });

export function moment(iso) {
  return iso ? MOMENT.format(new Date(iso)) : "";
}

function pretty(value) {
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value;
  }
}

const WORDS = {
  SUCCEEDED: ["ok", "✓", "succeeded"], FAILED: ["bad", "✕", "failed"], RUNNING: ["run", "●", "running"],
  TIMED_OUT: ["bad", "◷", "timed out"], ABORTED: ["bad", "■", "stopped"], PENDING_REDRIVE: ["run", "●", "waiting"],
  succeeded: ["ok", "✓", "succeeded"], failed: ["bad", "✕", "failed"], running: ["run", "●", "running"],
  retrying: ["warn", "↻", "waiting for a retry"], caught: ["warn", "!", "error caught"],
  rejected: ["warn", "!", "days rejected"], stopped: ["bad", "■", "stopped"], waiting: ["idle", "·", "waiting"],
};

export function look(status) {
  const [tone, sign, words] = WORDS[status] ?? ["idle", "·", String(status).toLowerCase()];
  return { tone, sign, words };
}

export function pill(status) {
  const element = h("span", { class: "pill" }, h("span", { "aria-hidden": "true", class: "sign" }), h("span"));
  setPill(element, status);
  return element;
}

export function setPill(element, status) {
  const { tone, sign, words } = look(status);
  attribute(element, "class", `pill ${tone}`);
  text(element.firstChild, sign);
  text(element.lastChild, words);
}

export function labelled(words, input) {
  return h("label", {}, h("span", {}, words), input);
}

export function block(title, value, none) {
  return h("section", { class: "block" }, h("h4", {}, title), value ? h("pre", { tabindex: "0" }, pretty(value)) : h("p", { class: "muted" }, none));
}

// A table that can be scrolled sideways, by keys too; a cell is text or an element.
export function table(name, columns, rows) {
  return h("div", { class: "table", tabindex: "0", role: "group", "aria-label": name }, h("table", {},
    h("thead", {}, h("tr", {}, columns.map((column, place) => h("th", { scope: "col", class: typeof rows[0]?.[place] === "number" && "number" }, column)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell))))));
}

function cell(value) {
  if (typeof value === "number") return h("td", { class: "number" }, value.toLocaleString("en", { maximumFractionDigits: 6 }));
  return h("td", { class: value?.length > 30 && "long" }, value);
}

// Arrow keys, Home and End move between the elements that `selector` finds in `parent`.
export function arrows(parent, selector) {
  parent.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    const all = [...parent.querySelectorAll(selector)];
    const at = all.indexOf(event.target.closest(selector));
    if (step === undefined || at < 0) return;
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, at + step))].focus();
  });
}
