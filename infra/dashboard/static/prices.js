import { h, text } from "../../web/dom.js";
import { Chart } from "./chart.js";
import { choices, data, day, money, nothing, percent, rate, section, shares, table, tone, unsigned } from "./parts.js";

// One ticker at a time: close, averages, volume, and what is known of it. One currency at a time: its published rates,
// and how all of them changed over the days shown.

const SPANS = [["22", "1 month"], ["65", "3 months"], ["130", "6 months"], ["all", "All"]];

let picker, charts, facts, left;
let span = "all";

export function draw_prices() {
  const place = section("prices");
  if (!data.tickers.length) {
    place.append(nothing("There are no prices in these days. Load some: marketlake backfill --start DAY --end DAY", "closes_and_averages"));
    return;
  }
  picker = h("select", { id: "ticker", onchange: () => show() }, ...groups());
  facts = h("dl", { class: "facts" });
  left = h("p", { class: "left", hidden: true });
  charts = {
    price: new Chart({ height: 320, axis: money(null) }),
    volume: new Chart({ height: 130, axis: shares }),
  };
  place.append(
    h("div", { class: "tools" },
      h("label", { for: "ticker" }, "Ticker"), picker,
      h("button", { type: "button", "aria-label": "Previous ticker", onclick: () => step(-1) }, "‹"),
      h("button", { type: "button", "aria-label": "Next ticker", onclick: () => step(1) }, "›"),
      choices("Days shown", SPANS, span, (value) => { span = value; show(); })),
    left, facts, charts.price.element, h("h3", {}, "Shares traded"), charts.volume.element);
  show();
}

function groups() {
  const sectors = [...new Set(data.tickers.map((ticker) => ticker.sector))].sort();
  return sectors.map((sector) =>
    h("optgroup", { label: sector }, ...data.tickers.filter((ticker) => ticker.sector === sector).map((ticker) =>
      h("option", { value: ticker.ticker }, ticker.company === ticker.ticker ? ticker.ticker : `${ticker.ticker}  ${ticker.company}`))));
}

export function pick_ticker(ticker) {
  picker.value = ticker;
  show();
  picker.focus({ preventScroll: true });
  section("prices").scrollIntoView({ block: "start" });
}

function step(by) {
  const count = picker.options.length;
  picker.selectedIndex = (picker.selectedIndex + by + count) % count;
  show();
}

function show() {
  const ticker = data.tickers.find((known) => known.ticker === picker.value);
  const from = span === "all" ? 0 : Math.max(0, data.days.length - Number(span));
  const days = data.days.slice(from);
  const of = (name) => ticker.series[name].slice(from);
  const amount = money(ticker.currency);
  const average = (size, colour) => ({ label: `${size} days`, colour, values: of(`average_${size}`), format: amount, width: 1.5 });
  charts.price.axis = amount;
  charts.price.show(`Close of ${ticker.company} in ${ticker.currency ?? "its currency"} with averages over 20, 50 and 200 days`, days, [
    { label: "Close", colour: "--accent", values: of("close"), format: amount },
    average(20, "--series-2"), average(50, "--series-3"), average(200, "--series-4"),
  ]);
  charts.volume.show(`Shares of ${ticker.company} traded`, days, [
    { label: "Shares", colour: "--idle", values: of("volume"), format: shares, bars: true },
  ]);
  const gone = ticker.last_dt < data.window.day;
  left.hidden = !gone;
  text(left, gone ? `${ticker.ticker} has no price after ${day(ticker.last_dt)}: it left the index, or its rows are in quarantine.` : "");
  show_facts(ticker);
}

function show_facts(ticker) {
  const amount = money(ticker.currency);
  const move = (value) => h("span", { class: tone(value) }, percent(value));
  const known = [
    ["Close", amount(ticker.close ?? ticker.series.close.findLast((value) => value !== null))], ["Day", move(ticker.one_day)], ["Week", move(ticker.one_week)],
    ["Month", move(ticker.one_month)], ["Year", move(ticker.one_year)],
    ["52-week range", `${amount(ticker.low)} to ${amount(ticker.high)}`],
    ["Volatility, a year", unsigned(ticker.volatility)], ["Largest fall", percent(ticker.max_drawdown, 1)],
  ];
  facts.replaceChildren(...known.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

const FIRST = ["USD", "GBP", "JPY", "CHF"];

export function draw_rates() {
  const place = section("rates");
  const { days, currencies } = data.rates;
  if (!currencies.length) {
    place.append(nothing("There are no rates in these days. Load some: marketlake backfill --dataset fx_rates --start DAY --end DAY", "all_rates"));
    return;
  }
  const picker = h("select", { id: "currency", onchange: () => show() }, ...currencies.map((currency, at) => h("option", { value: at }, currency.symbol)));
  const chart = new Chart({ height: 240, axis: rate });
  place.append(h("div", { class: "tools" }, h("label", { for: "currency" }, "Currency"), picker), chart.element, overview(currencies));
  picker.value = Math.max(0, currencies.findIndex((currency) => currency.symbol === "GBP"));
  show();

  function show() {
    const currency = currencies[picker.value];
    chart.show(`${currency.symbol} for one ${currency.base}`, days, [{ label: `${currency.symbol} for 1 ${currency.base}`, colour: "--accent", values: currency.values, format: rate }]);
  }
}

function overview(currencies) {
  const rows = [...currencies].sort((a, b) => place_of(a.symbol) - place_of(b.symbol) || a.symbol.localeCompare(b.symbol));
  const ends = (row) => row.values.filter((value) => value !== null);
  const change = (row) => ends(row).length > 1 ? ends(row).at(-1) / ends(row)[0] - 1 : null;
  return table("Every currency over the days shown; + means that the euro rose", [
    { head: "Currency", cell: (row) => row.symbol },
    { head: `For 1 ${currencies[0].base}`, number: true, cell: (row) => rate(ends(row).at(-1)) },
    { head: "Change", number: true, cell: (row) => h("span", { class: tone(change(row)) }, percent(change(row))) },
    { head: "Last day", number: true, cell: (row) => day(data.rates.days[row.values.findLastIndex((value) => value !== null)]) },
  ], rows);
}

function place_of(symbol) {
  return FIRST.includes(symbol) ? FIRST.indexOf(symbol) : FIRST.length;
}
