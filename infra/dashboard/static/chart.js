import { h } from "../../web/dom.js";
import { day, seconds_of } from "./parts.js";

// A chart over days, on uPlot: its values can be read by pointer and by arrow keys, in a row of text beneath.

const drawn = new Set();

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function faded(name, share) {
  return `color-mix(in srgb, ${colour(name)} ${share}%, transparent)`;
}

// Axes of days; the widths are fixed, so that charts above each other have their days above each other.
function axes(format) {
  const line = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  return [
    { ...line, grid: { show: false }, font: "12px system-ui, sans-serif", space: 64, values: (_, times, __, ___, step) => dates(times, step) },
    { ...line, size: 62, font: "12px system-ui, sans-serif", values: (_, ticks) => ticks.map((tick) => format(tick)) },
  ];
}

const MONTH = new Intl.DateTimeFormat("en-GB", { month: "short", timeZone: "UTC" });
const MONTH_DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

// Months or days, the year beneath the first of each.
function dates(times, step) {
  const year = (time) => new Date(time * 1000).getUTCFullYear();
  const words = (time) => (step < 28 * 86400 ? MONTH_DAY : MONTH).format(new Date(time * 1000));
  return times.map((time, at) => (at && year(times[at - 1]) === year(time) ? words(time) : `${words(time)}\n${year(time)}`));
}

function series_of({ label, colour: name, bars, width = 2, format }) {
  const look = bars
    ? { paths: uPlot.paths.bars({ size: [0.7, 24] }), fill: faded(name, 70), stroke: faded(name, 70), width: 0 }
    : { stroke: colour(name), width };
  return { label, value: (_, value) => format(value), points: bars ? { show: false } : { show: true, size: 5, filter: lone }, ...look };
}

// A value with none on either side has no line to be seen by.
function lone(chart, series) {
  const values = chart.data[series];
  return [...values.keys()].filter((at) => values[at] != null && values[at - 1] == null && values[at + 1] == null);
}

export class Chart {
  constructor({ height, axis }) {
    this.place = h("div", { class: "plot", tabindex: "0", role: "group", "aria-roledescription": "chart" });
    this.values = h("p", { class: "values", "aria-live": "polite" });
    this.element = h("div", { class: "chart" }, this.values, this.place);
    this.height = height;
    this.axis = axis;
    this.place.addEventListener("keydown", (event) => this.step(event));
    new ResizeObserver(() => this.resize()).observe(this.place);
    drawn.add(this);
  }

  // `lines` are {label, colour, values, format, bars, width}; `name` says what is drawn, for those who do not see it.
  show(name, days, lines) {
    this.shown = [name, days, lines];
    this.days = days;
    this.lines = lines;
    this.place.setAttribute("aria-label", `${name}. Arrow keys move from day to day.`);
    this.plot?.destroy();
    this.plot = null;
    this.draw();
    this.read(null);
  }

  draw() {
    const width = this.place.clientWidth;
    if (!width || !this.lines || !this.days.length) return;
    const axis = this.axis;
    this.plot = new uPlot(
      {
        width, height: this.height, axes: axes(axis), legend: { show: false }, padding: [10, 12, 0, 0],
        tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "Etc/UTC"),
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
        scales: { x: { time: true, range: (_, low, high) => around(low, high) }, y: { range: this.lines[0].bars ? (_, __, high) => [0, (high || 1) * 1.05] : undefined } },
        series: [{}, ...this.lines.map(series_of)],
        hooks: { setCursor: [(plot) => this.read(plot.cursor.idx)] },
      },
      [this.days.map(seconds_of), ...this.lines.map((line) => line.values)],
      this.place,
    );
  }

  resize() {
    if (!this.plot) this.draw();
    else this.plot.setSize({ width: this.place.clientWidth, height: this.height });
  }

  redraw() {
    if (this.shown) this.show(...this.shown);
  }

  // The values of the day at `at`, else of the last day that has one.
  read(at) {
    const place = at ?? this.last();
    const cells = this.lines.map((line) => {
      const key = h("span", { class: `key ${line.bars ? "bars" : ""}`, "aria-hidden": "true" });
      key.style.background = `var(${line.colour})`;
      return h("span", { class: "value" }, key, `${line.label} `, h("b", {}, line.format(line.values[place])));
    });
    this.at = place;
    this.values.replaceChildren(h("span", { class: "value" }, h("b", {}, day(this.days[place]))), ...cells);
  }

  last() {
    let place = this.days.length - 1;
    while (place > 0 && this.lines[0].values[place] == null) place--;
    return place;
  }

  step(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || !this.plot) return;
    event.preventDefault();
    const at = Math.max(0, Math.min(this.days.length - 1, (this.at ?? 0) + steps[event.key]));
    this.plot.setCursor({ left: this.plot.valToPos(seconds_of(this.days[at]), "x"), top: 0 });
    this.read(at);
  }
}

// One day alone is drawn in the middle of three.
function around(low, high) {
  const edge = low === high ? 86400 : (high - low) * 0.01;
  return [low - edge, high + edge];
}

export function follow_theme() {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((chart) => chart.redraw()));
}
