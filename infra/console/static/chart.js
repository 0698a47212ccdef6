// One line over days as plain SVG, drawn as wide as its place. Its values are read by pointer and by arrow keys.

import { h, s, text } from "../web/dom.js";

const HEIGHT = 240, LEFT = 56, RIGHT = 12, TOP = 12, BOTTOM = 26, TICKS = 4, LABEL = 60;
const GAP = 14 * 86_400_000; // no closure is as long: days are missing, and the line shows it
const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -Infinity, End: Infinity };

// `points` are {dt, value, words, mark}: `mark` is the tone of what is to be seen at a day, `words` say what it is.
export function chart() {
  const values = h("p", { class: "values", "aria-live": "polite" });
  const place = h("div", { class: "plot", tabindex: "0", role: "group", "aria-roledescription": "chart" });
  const element = h("div", {}, values, place);
  let points = [], at = 0, drawn = null;
  new ResizeObserver(() => points.length && draw()).observe(place);
  place.addEventListener("keydown", (event) => {
    if (!(event.key in STEPS) || !points.length) return;
    event.preventDefault();
    read(at + STEPS[event.key]);
  });
  place.addEventListener("pointermove", (event) => {
    const box = place.getBoundingClientRect();
    if (drawn) read(nearest(points, event.clientX - box.left, drawn.x));
  });

  function draw() {
    const width = place.clientWidth;
    if (!width || drawn?.width === width) return;
    const numbers = points.map((point) => point.value).filter((value) => value !== null);
    const low = Math.min(...numbers), high = Math.max(...numbers), room = high - low || Math.abs(high) || 1;
    const first = Date.parse(points[0].dt), long = Date.parse(points.at(-1).dt) - first;
    const x = (day) => LEFT + (long ? (Date.parse(points[day].dt) - first) / long : 0.5) * (width - LEFT - RIGHT);
    const y = (value) => TOP + (1 - (value - low) / room) * (HEIGHT - TOP - BOTTOM);
    const cursor = s("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM });
    const svg = s("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, "aria-hidden": "true" }, grid(low, room, y, width), months(points, x, width), s("path", { class: "series", d: path(points, x, y) }), marks(points, x, y), cursor);
    drawn = { width, x, cursor };
    place.replaceChildren(svg);
    read(at);
  }

  function read(wanted) {
    at = Math.max(0, Math.min(points.length - 1, wanted));
    const point = points[at];
    text(values, `${point.dt}: ${point.value === null ? "no value" : point.value.toLocaleString("en", { maximumFractionDigits: 4 })}${point.words ? ` · ${point.words}` : ""}`);
    for (const end of ["x1", "x2"]) drawn?.cursor.setAttribute(end, drawn.x(at));
  }

  return {
    element,
    show(name, wanted) {
      [points, at, drawn] = [wanted, Math.max(0, wanted.length - 1), null];
      place.setAttribute("aria-label", `${name}. Arrow keys move from day to day.`);
      place.replaceChildren();
      text(values, "");
      if (points.length) draw();
    },
  };
}

function grid(low, room, y, width) {
  return Array.from({ length: TICKS + 1 }, (_, step) => low + (room * step) / TICKS).flatMap((value) => [
    s("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
    s("text", { class: "tick", x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, value.toLocaleString("en", { maximumSignificantDigits: 4 })),
  ]);
}

function nearest(points, left, x) {
  return points.reduce((best, _, day) => (Math.abs(x(day) - left) < Math.abs(x(best) - left) ? day : best), 0);
}

// Months at their first day, as many as have room.
function months(points, x, width) {
  let free = LEFT;
  return points.flatMap(({ dt }, day) => {
    const at = x(day);
    if ((day && points[day - 1].dt.slice(0, 7) === dt.slice(0, 7)) || at < free || at > width - LABEL) return [];
    free = at + LABEL;
    return [s("text", { class: "tick", x: at, y: HEIGHT - 8 }, dt.slice(0, 7))];
  });
}

function path(points, x, y) {
  let before = null;
  return points.map(({ dt, value }, day) => {
    if (value === null) return "";
    const pen = before !== null && Date.parse(dt) - before < GAP ? "L" : "M";
    before = Date.parse(dt);
    return `${pen}${x(day).toFixed(1)} ${y(value).toFixed(1)}`;
  }).join("");
}

function marks(points, x, y) {
  return points.flatMap(({ dt, value, words, mark }, place) => (mark && value !== null ? [s("circle", { class: `mark ${mark}`, cx: x(place), cy: y(value), r: 4 }, s("title", {}, `${dt}: ${words}`))] : []));
}
