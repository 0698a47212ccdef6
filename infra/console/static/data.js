// The lake's rows: a dataset's latest days, one symbol over time, what is in doubt, and corporate actions.

import { Trouble, read } from "./api.js";
import { count, h, text } from "../web/dom.js";
import { changed, labelled, table } from "./parts.js";
import { chart } from "./chart.js";
import { answer, link, narrow, overview, trouble } from "./shell.js";

export function data(main, name, asked) {
  let query = asked, stopped = false;
  const sets = h("nav", { class: "sets", "aria-label": "Datasets" });
  const title = h("p", { class: "muted" });
  const symbol = h("select", { name: "symbol", onchange: () => ask({ symbol: symbol.value }) });
  // A date that is being typed is a date at each digit of its year: days are taken when they are sent.
  const from = h("input", { type: "date", name: "start" });
  const to = h("input", { type: "date", name: "end" });
  const form = h("form", { class: "filters", onsubmit: (event) => (event.preventDefault(), ask({ start: from.value, end: to.value })), hidden: true },
    labelled("Symbol", symbol), labelled("From", from), labelled("To", to), h("button", { type: "submit" }, "Look again"));
  const note = h("p", { class: "muted", "aria-live": "polite" }, "reading the lake …");
  const drawing = chart();
  const gaps = h("p", { class: "cause", hidden: true });
  const line = h("section", { class: "card", "aria-label": "Chart", hidden: true }, h("h2", {}), gaps, drawing.element);
  const rest = h("div", { class: "datasets" });
  main.append(h("h1", {}, "Data"), sets, title, form, note, h("div", { class: "datasets" }, line, rest));

  const ask = (change) => narrow(link(`data/${encodeURIComponent(name)}`, { ...Object.fromEntries(query), ...change }));

  function showSets() {
    const names = Object.keys(overview.datasets);
    if (!changed(sets, names)) return;
    sets.replaceChildren(...names.map((one) => h("a", { class: "button", href: link(`data/${one}`), "aria-current": one === name && "page" }, one)));
    if (!name && names.length) location.replace(link(`data/${names.includes("ftse100_prices") ? "ftse100_prices" : names[0]}`));
  }

  async function look() {
    showSets();
    if (!name) return;
    const wanted = query.toString();
    try {
      const found = await read(`api/data/${encodeURIComponent(name)}${wanted ? `?${wanted}` : ""}`);
      if (stopped || wanted !== query.toString()) return;
      trouble("view")(null);
      show(found);
    } catch (error) {
      if (!stopped) trouble("view")(error);
      if (!(error instanceof Trouble)) throw error;
      text(note, "");
    }
  }

  function show(found) {
    text(title, found.title);
    form.hidden = line.hidden = !found.last;
    text(note, found.last ? "" : "No day is stored yet.");
    if (!found.last) return rest.replaceChildren();
    if (changed(symbol, found.symbols)) symbol.replaceChildren(...found.symbols.map((one) => h("option", { value: one }, one)));
    [symbol.value, from.value, to.value] = [found.symbol, found.start, found.end];
    const heading = `${found.symbol}, ${found.column}, ${found.start} to ${found.end}`;
    text(line.firstChild, heading);
    gaps.hidden = !found.gaps;
    text(gaps, `Not there: ${found.gaps}`);
    drawing.show(`${heading}: ${count(found.series.length, "day")}`, points(found));
    if (changed(rest, found)) rest.replaceChildren(latestDays(found), flags(found), quarantine(name, found), actions(found), lastRows(found));
  }

  look();
  return {
    update(wanted) {
      query = wanted;
      look();
    },
    counted: showSets,
    stop: () => (stopped = true),
  };
}

function points({ series, actions: found, symbol, reasons }) {
  const events = new Map(found.rows.filter((one) => one.ticker === symbol).map((one) => [one.ex_dt, `${one.kind} ${amount(one)}`]));
  return series.map(({ dt, value, flags: names }) => {
    const doubts = names.split(",").filter(Boolean).map((one) => reason(one, reasons));
    const words = [events.get(dt), ...doubts].filter(Boolean).join("; ");
    return { dt, value, words, mark: doubts.length ? "warn" : events.has(dt) ? "run" : "" };
  });
}

const amount = (one) => (one.amount === null ? "in doubt" : `${one.amount.toLocaleString("en", { maximumFractionDigits: 6 })} ${one.currency ?? ""}`.trim());
const reason = (name, reasons) => (reasons[name] ? `${name}: ${reasons[name]}` : name);

function latestDays({ days }) {
  const rows = days.map((day) => [day.dt, day.rows, day.flagged, day.quarantined ?? "not checked", day.corrected ?? "", day.execution ? h("a", { href: link(`executions/${encodeURIComponent(day.execution)}`) }, day.execution) : ""]);
  return section("Latest days", table("Latest days", ["day", "rows", "flagged", "quarantined", "corrected", "by"], rows));
}

function flags({ flags: found, reasons }) {
  const rows = found.rows.map((one) => [one.dt, one.symbol, one.flags.map((name) => reason(name, reasons)).join("; ")]);
  return section("Values in doubt", most(found), rows.length ? table("Values in doubt", ["day", "symbol", "flags"], rows) : h("p", { class: "muted" }, "No row of these days has a flag."));
}

function actions({ actions: found }) {
  const rows = found.rows.map((one) => [one.ex_dt, one.ticker, one.kind, amount(one), one.first_seen, one.changed ?? ""]);
  return section("Corporate actions", most(found), rows.length ? table("Corporate actions", ["ex-day", "ticker", "kind", "amount", "first seen", "changed"], rows) : h("p", { class: "muted" }, "No dividend and no split took effect on these days."));
}

function lastRows({ latest, days }) {
  return section(`Rows of ${days[0]?.dt ?? "the last day"}`, most({ total: latest.total, rows: latest.rows }), table("Rows of the last day", latest.columns, latest.rows.map((row) => row.map((value) => value ?? ""))));
}

// Read when it is wanted: in an account each of its objects is copied once.
function quarantine(name, { start, end }) {
  const inside = h("div", { "aria-live": "polite" });
  const button = h("button", { type: "button", onclick: show }, "Show");
  function show() {
    inside.replaceChildren(h("p", { class: "muted" }, "reading …"));
    return answer(inside, `api/data/${encodeURIComponent(name)}/quarantine?${new URLSearchParams({ start, end })}`, (found) => {
      const rows = found.rows.map((one) => [one.dt, one.symbol ?? "", one.reason, one.times, one.in_lake_now]);
      return [most(found), rows.length ? table("Quarantine", ["day", "symbol", "reason", "times", "in the lake now"], rows) : h("p", { class: "muted" }, "No row of these days is in quarantine.")];
    });
  }
  return section("Quarantine", button, inside);
}

function most({ total, rows }) {
  return h("p", { class: "muted" }, total > rows.length ? `the last ${rows.length} of ${total.toLocaleString("en")}` : total ? count(total, "row") : "");
}

function section(title, ...parts) {
  return h("section", { class: "card", "aria-label": title }, h("h2", {}, title), ...parts);
}
