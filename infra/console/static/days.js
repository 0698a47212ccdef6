// The lake as calendars: a square a day, a column a week, a block a year; and the gaps in words.

import { poll, read, readOnly } from "./api.js";
import { count, h, s, text } from "../web/dom.js";
import { attribute, changed, keyed } from "./parts.js";
import { startLink } from "./start.js";
import { overview, trouble } from "./shell.js";

const MARKS = {
  c: ["ok", "there"], m: ["bad", "missing"], u: ["warn", "written, not checked"], l: ["lost", "checked, but not in the history"],
  x: ["run", "stored, but not in the calendar"], "-": ["closed", "closed"], ".": ["outside", "before the first day stored, or not due yet"],
};
const CELL = 12, SQUARE = 10, TOP = 14, DAY = 86_400_000;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export function days(main) {
  const sets = h("div", { class: "datasets" });
  main.append(h("h1", {}, "Days"), h("p", { class: "muted" }, "Each dataset by its own calendar: the days that are in the lake, and the gaps."), legend(), sets);
  async function look() {
    const found = await read("api/days");
    keyed(sets, found.datasets, (set) => set.name, make, update);
  }
  const looking = poll(look, () => (overview.local ? 3000 : 90_000), trouble("view"));
  return { update() {}, stop: looking.stop };
}

function legend() {
  const shown = Object.entries(MARKS).filter(([mark]) => mark !== ".");
  return h("ul", { class: "legend", "aria-label": "Legend" }, shown.map(([, [tone, words]]) => h("li", {}, h("i", { class: `square ${tone}` }), words)));
}

function make(set) {
  const parts = { sum: h("p", { class: "sum" }), gaps: h("div", { class: "gaps" }), years: h("div", { class: "years" }) };
  const element = h("section", { class: "card dataset", "aria-label": set.name }, h("h2", {}, set.name), h("p", { class: "muted" }, set.title), parts.sum, parts.gaps, parts.years);
  element.parts = parts;
  return element;
}

function update(element, set) {
  const { sum, gaps, years } = element.parts;
  text(sum, set.due ? `${set.complete.toLocaleString("en")} of ${count(set.due, "day")} from ${set.first} to ${set.last}; ${set.in_history.toLocaleString("en")} in the history, ${set.by_day.toLocaleString("en")} by day` : "No day is stored yet.");
  if (!changed(element, set)) return;
  gaps.replaceChildren(...gapLines(set));
  keyed(years, set.years, (year) => year.year, (year) => h("div", { class: "year" }), (box, year) => {
    if (!changed(box, year)) return;
    const words = `${year.complete} of ${year.due} days${year.missing ? `, ${year.missing} missing` : ""}`;
    box.replaceChildren(h("h3", {}, year.year, h("span", { class: "muted" }, words)), calendar(year));
  });
}

function gapLines(set) {
  if (!set.due) return [h("p", { class: "muted" }, "Load some with ", h("code", {}, `marketlake backfill --start 2026-01-01 --end 2026-03-31 --dataset ${set.name}`))];
  const lines = [];
  const ranges = set.years.flatMap((year) => year.missing_days).sort();
  if (ranges.length) {
    const ends = ranges.flatMap((range) => range.split("/"));
    const shown = ranges.slice(0, 12).map((range) => h("li", {}, range.replace("/", " to ")));
    lines.push(h("details", { class: "gap", open: ranges.length <= 3 }, h("summary", {}, `${count(set.missing, "day")} missing, in ${count(ranges.length, "gap")}`), h("ul", {}, shown, ranges.length > 12 ? h("li", {}, `and ${ranges.length - 12} more`) : "")),
      h("p", { class: "muted" }, "Load them with ", h("code", {}, `marketlake backfill --start ${ends[0]} --end ${ends.at(-1)} --dataset ${set.name}`),
        ...(readOnly ? [] : [" or ", h("a", { href: startLink({ datasets: [set.name], start: ends[0], end: ends.at(-1) }) }, "from here …")])));
  } else lines.push(h("p", { class: "muted" }, "No gap."));
  if (set.unchecked) lines.push(h("p", {}, `${count(set.unchecked, "day")} written but not checked: the next run or a backfill loads them again.`));
  if (set.lost) lines.push(h("p", {}, `${count(set.lost, "day")} checked, but not in the history any more: bring back the year's object with `, h("code", {}, `marketlake restore ${set.name} YEAR`), ", else load them again."));
  if (set.unexpected) lines.push(h("p", {}, `${count(set.unexpected, "day")} stored that the calendar does not have.`));
  return lines;
}

function calendar({ year, days: marks, complete, due, missing }) {
  const first = Date.UTC(Number(year), 0, 1);
  const lead = (new Date(first).getUTCDay() + 6) % 7;
  const weeks = Math.ceil((lead + marks.length) / 7);
  const svg = s("svg", { class: "calendar", role: "img", "aria-label": `${year}: ${complete} of ${due} days, ${missing} missing`, viewBox: `0 0 ${weeks * CELL} ${TOP + 7 * CELL}` });
  for (const [place, mark] of [...marks].entries()) {
    const date = new Date(first + place * DAY);
    const column = Math.floor((lead + place) / 7), line = (lead + place) % 7;
    if (date.getUTCDate() === 1) svg.append(s("text", { x: column * CELL, y: 10, class: "month" }, MONTHS[date.getUTCMonth()]));
    const [tone, words] = MARKS[mark] ?? MARKS["."];
    const square = s("rect", { x: column * CELL, y: TOP + line * CELL, width: SQUARE, height: SQUARE, rx: 2 }, s("title", {}, `${date.toISOString().slice(0, 10)}: ${words}`));
    attribute(square, "class", `day ${tone}`);
    svg.append(square);
  }
  return svg;
}
