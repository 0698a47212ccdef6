import { count, h } from "../../web/dom.js";
import { data, day, nothing, section, table, unsigned } from "./parts.js";

// How fresh the lake is, and what it lacks.

export function draw_freshness() {
  section("freshness").append(...data.datasets.map(card), trust());
}

function card(dataset) {
  const [sign, tone, words] = state(dataset);
  return h("article", { class: `kpi ${tone}` },
    h("h2", {}, dataset.name),
    h("p", { class: "big" }, dataset.last ? day(dataset.last) : "no data"),
    h("p", {}, h("span", { "aria-hidden": "true" }, `${sign} `), words),
    h("p", { class: "muted" }, dataset.last ? `${dataset.complete.toLocaleString("en-GB")} of ${count(dataset.due, "day")} due since ${day(dataset.first)}` : dataset.description));
}

function trust() {
  const { missing_days: missing, quarantined_rows: quarantined, flagged_rows: flagged } = data.lists;
  const share = flagged.count ? ` (${unsigned(flagged.count / data.rows, 2)})` : "";
  const failed = data.asked.filter((asked) => asked.error).length;
  const tone = failed ? "bad" : missing.count || quarantined.count ? "warn" : "ok";
  return h("article", { class: `kpi ${tone}` },
    h("h2", {}, "these days"),
    h("p", { class: "big" }, missing.count ? `${count(missing.count, "day")} missing` : "no day missing"),
    h("p", {}, `${count(quarantined.count, "row")} in quarantine, ${count(flagged.count, "row")} with a value in doubt${share}`),
    h("p", { class: "muted" }, failed ? `${count(failed, "question")} could not be answered` : `${count(data.tickers.length, "ticker")}, ${count(data.rates.currencies.length, "currency", "currencies")}, ${count(data.asked.length, "question")} answered`));
}

function state({ last, last_due: due, behind, complete, due: all }) {
  if (!last) return ["✕", "bad", "nothing is stored yet"];
  if (behind) return ["!", "warn", `${count(behind, "day")} behind: ${day(due)} is due`];
  if (complete < all) return ["!", "warn", `up to date, with ${count(all - complete, "day")} missing or unchecked before`];
  return ["✓", "ok", "up to date, no day missing"];
}

const LISTS = {
  missing_days: ["Days missing", "No day of the calendars is missing in these days.", [
    { head: "Dataset", cell: (row) => row.dataset }, { head: "Day", cell: (row) => day(row.missing_day) },
  ]],
  symbol_gaps: ["Tickers and currencies missing on days that are there", "Every ticker and currency is there on every day that is.", [
    { head: "Dataset", cell: (row) => row.dataset }, { head: "Symbol", cell: (row) => row.symbol },
    { head: "Last before", cell: (row) => day(row.last_before) },
    { head: "First after", cell: (row) => (row.first_after ? day(row.first_after) : "never came back") },
    { head: "Days", number: true, cell: (row) => row.days_without },
  ]],
  quarantined_rows: ["Rows that Validate put into quarantine", "No row is in quarantine.", [
    { head: "Dataset", cell: (row) => row.dataset }, { head: "Day", cell: (row) => day(row.dt) },
    { head: "Symbol", cell: (row) => row.symbol }, { head: "Why", cell: (row) => row.reason },
    { head: "Times", number: true, cell: (row) => row.times }, { head: "In the lake now", cell: (row) => row.in_lake_now },
  ]],
  flagged_rows: ["Rows with a value in doubt", "No value is in doubt.", [
    { head: "Dataset", cell: (row) => row.dataset }, { head: "Day", cell: (row) => day(row.dt) },
    { head: "Symbol", cell: (row) => row.symbol }, { head: "Rules", cell: (row) => row.flags },
  ]],
};

export function draw_quality() {
  section("quality").append(...Object.entries(LISTS).map(([name, [title, none, columns]]) => {
    const { rows, count: all } = data.lists[name];
    const caption = rows.length === all ? title : `${title}: the first ${rows.length}`;
    return h("div", { class: "list", id: name }, h("h3", {}, `${title}: ${all.toLocaleString("en-GB")}`), rows.length ? table(caption, columns, rows) : nothing(none, name));
  }));
}

export function draw_asked() {
  section("asked").append(
    h("p", { class: "muted" }, "The saved queries behind this page; each line asks again."),
    h("ul", { class: "commands" }, ...data.asked.map((asked) => h("li", {}, h("code", {}, asked.command), asked.error ? h("p", { class: "down" }, asked.error) : null))));
}
