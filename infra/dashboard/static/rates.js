import { h } from "../../web/dom.js";
import { day, percent, rate, tone } from "./format.js";
import { Chart } from "./chart.js";
import { data, nothing, section, table } from "./parts.js";

// A currency's published rates, and how all of them changed over the days shown.

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
