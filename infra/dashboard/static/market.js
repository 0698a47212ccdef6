import { h } from "../../web/dom.js";
import { choices, data, day, money, nothing, percent, section, shares, table, tone } from "./parts.js";
import { pick_ticker } from "./prices.js";

// All tickers at once: movers, the heat map of the sectors, days of large volume.

const SHOWN = 10;

const known = new Map(data.tickers.map((ticker) => [ticker.ticker, ticker]));

function ticker_button(ticker) {
  if (!known.has(ticker)) return h("span", {}, ticker);
  return h("button", { type: "button", class: "link", title: `${known.get(ticker).company}: show its prices`, onclick: () => pick_ticker(ticker) }, ticker);
}

export function draw_movers() {
  const place = section("movers");
  if (!data.movers.length) {
    place.append(nothing("No ticker has both a price on the last day and one in the ten days before it.", "movers_of_day"));
    return;
  }
  const { movers } = data;
  const rows = movers.length > 2 * SHOWN ? [...movers.slice(0, SHOWN), ...movers.slice(-SHOWN)] : movers;
  const most = Math.max(...rows.map((row) => Math.abs(row.change)));
  place.append(
    h("p", { class: "muted" }, `${day(data.window.day)}, against each ticker's close before: ${rows.length < movers.length ? `the first and last ${SHOWN} of ${movers.length}` : `all ${movers.length}`}.`),
    h("ol", { class: "movers" }, ...rows.map((row) => {
      const bar = h("span", { class: `bar ${tone(row.change)}` });
      bar.style.width = `${most ? (50 * Math.abs(row.change)) / most : 0}%`;
      const company = known.get(row.ticker)?.company ?? "";
      return h("li", {}, ticker_button(row.ticker), h("span", { class: "track", "aria-hidden": "true" }, bar), h("span", { class: `number ${tone(row.change)}` }, percent(row.change)), h("span", { class: "company" }, `${company} ${money(known.get(row.ticker)?.currency)(row.close)}`));
    })));
}

const PERIODS = [["one_day", "Day"], ["one_week", "Week"], ["one_month", "Month"], ["one_year", "Year"]];

export function draw_sectors() {
  const place = section("sectors");
  if (!data.tickers.some((ticker) => PERIODS.some(([name]) => ticker[name] !== null && ticker[name] !== undefined))) {
    place.append(nothing("No ticker has prices on two days in the lake, so there is no change to show.", "returns", "movers_of_day", "companies"));
    return;
  }
  const map = h("div", { class: "heat" });
  place.append(
    h("div", { class: "tools" }, choices("Change over", PERIODS, "one_day", (period) => fill_heat(map, period)),
      h("span", { class: "muted" }, `to ${day(data.window.day)}; a sector's number is the mean of its tickers, weighted alike`)),
    map);
  fill_heat(map, "one_day");
}

function fill_heat(map, period) {
  const there = (ticker) => ticker[period] !== null && ticker[period] !== undefined;
  const values = data.tickers.filter(there).map((ticker) => Math.abs(ticker[period])).sort((a, b) => a - b);
  // The strongest colour is for what only a tenth exceeds, so that one outlier does not pale the rest.
  const full = values[Math.floor(values.length * 0.9)] || 1;
  const groups = grouped(data.tickers);
  const sectors = [...groups].map(([sector, tickers]) => ({ sector, tickers, mean: mean(tickers.filter(there).map((ticker) => ticker[period])) }));
  sectors.sort((a, b) => (b.mean ?? -Infinity) - (a.mean ?? -Infinity) || a.sector.localeCompare(b.sector));
  map.replaceChildren(...sectors.map(({ sector, tickers, mean: average }) =>
    h("section", { class: "sector" },
      h("h3", {}, sector, " ", h("span", { class: tone(average) }, percent(average))),
      h("div", { class: "tiles" }, ...[...tickers].sort((a, b) => (b[period] ?? -Infinity) - (a[period] ?? -Infinity)).map((ticker) => tile(ticker, period, full))))));
}

function tile(ticker, period, full) {
  const value = ticker[period];
  const made = h("button", { type: "button", class: `tile ${tone(value)}`, title: ticker.company, onclick: () => pick_ticker(ticker.ticker) }, h("b", {}, ticker.ticker.replace(/\.L$/, "")), h("span", {}, percent(value, 1)));
  made.style.setProperty("--share", `${Math.round(8 + 62 * Math.min(1, Math.abs(value ?? 0) / full))}%`);
  return made;
}

function grouped(tickers) {
  const groups = new Map();
  tickers.forEach((ticker) => groups.set(ticker.sector, [...(groups.get(ticker.sector) ?? []), ticker]));
  return groups;
}

function mean(values) {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
}

export function draw_volume() {
  const { rows, count } = data.lists.volume_spikes;
  const place = section("volume");
  if (!rows.length) {
    place.append(nothing("No ticker traded two and a half times its average of the 20 days before, or no ticker has 20 days before.", "volume_spikes"));
    return;
  }
  place.append(table(`${rows.length === count ? count : `The largest ${rows.length} of ${count}`} days on which a ticker traded at least two and a half times its average of the 20 days before`, [
    { head: "Day", cell: (row) => day(row.dt) },
    { head: "Ticker", cell: (row) => ticker_button(row.ticker) },
    { head: "Shares", number: true, cell: (row) => shares(row.volume) },
    { head: "Usual", number: true, cell: (row) => shares(row.average_20) },
    { head: "Times", number: true, cell: (row) => row.times_average.toFixed(1) },
    { head: "Price moved", number: true, cell: (row) => h("span", { class: tone(row.change) }, percent(row.change)) },
  ], rows));
}
