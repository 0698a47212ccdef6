// The state machine as a drawing: laid out once from the definition, then only recoloured.
// A Map is laid out on its own first and takes part in the graph around it as one box.

import { Graph, layout } from "./vendor/dagre-3.1.3.js";
import { s, text } from "../web/dom.js";
import { attribute, look } from "./parts.js";

const WIDTH = 104, LETTER = 7.3, HEIGHT = 40, PAD = 12, HEAD = 26;

export function drawing(states, chosen) {
  const placed = place(states);
  const nodes = new Map();
  const svg = s("svg", {
    class: "graph", role: "group", "aria-label": "States of the execution",
    viewBox: `-8 -12 ${placed.width + 16} ${placed.height + 20}`, width: placed.width + 16, height: placed.height + 20,
  }, marker("arrow"), marker("arrow-caught"), draw(placed, nodes, chosen));
  return { svg, update: (stands, selected, batch) => recolour(nodes, stands, selected, batch) };
}

function place(states) {
  const g = new Graph({ multigraph: true }).setGraph({ rankdir: "TB", nodesep: 12, edgesep: 10, ranksep: 26, marginx: 0, marginy: 0 }).setDefaultEdgeLabel(() => ({}));
  for (const state of states) {
    const inside = state.inside ? place(state.inside) : null;
    const own = Math.max(WIDTH, state.name.length * LETTER + 20);
    const width = inside ? Math.max(inside.width + 2 * PAD, own) : own;
    g.setNode(state.name, { state, inside, width, height: inside ? inside.height + HEAD + PAD : HEIGHT });
  }
  for (const state of states) {
    for (const arrow of state.arrows) if (g.hasNode(arrow.to)) g.setEdge(state.name, arrow.to, { ...arrow, weight: arrow.caught ? 1 : 3 }, arrow.caught ? "caught" : `next ${arrow.label}`);
  }
  layout(g);
  return { nodes: g.nodes().map((name) => g.node(name)), edges: g.edges().map((edge) => g.edge(edge)), width: g.graph().width, height: g.graph().height };
}

function draw(placed, nodes, chosen) {
  const layer = s("g", {});
  for (const edge of placed.edges) layer.append(path(edge));
  for (const { state, inside, x, y, width, height } of placed.nodes) {
    const box = s("g", { transform: `translate(${x - width / 2} ${y - height / 2})` }, node(state, inside, width, height, nodes, chosen));
    if (inside) box.append(s("g", { transform: `translate(${(width - inside.width) / 2} ${HEAD})` }, draw(inside, nodes, chosen)));
    layer.append(box);
  }
  return layer;
}

function node(state, inside, width, height, nodes, chosen) {
  const shape = s("rect", { width, height, rx: { Choice: 4, Task: 8, Map: 12 }[state.type] ?? height / 2, class: "shape" });
  const parts = {
    name: s("text", { x: inside ? 12 : width / 2, y: inside ? 17 : 18, class: `label${inside ? " left" : ""}` }, state.name),
    words: s("text", { x: inside ? width - 12 : width / 2, y: inside ? 17 : 32, class: `words${inside ? " right" : ""}` }),
    retries: s("text", { x: width - 8, y: 3.5, class: "retries" }),
    plate: s("rect", { x: width - 25, y: -8, width: 34, height: 16, rx: 8, class: "plate" }),
    title: s("title", {}, state.comment || state.name),
  };
  const button = s("g", { class: `node ${state.type.toLowerCase()}`, tabindex: 0, role: "button", "data-state": state.name }, parts.title, shape, parts.name, parts.words, parts.plate, parts.retries);
  button.addEventListener("click", () => chosen(state.name));
  button.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    chosen(state.name);
  });
  nodes.set(state.name, { button, parts, state });
  return button;
}

function recolour(nodes, states, selected, batch) {
  for (const [name, { button, parts, state }] of nodes) {
    const stand = states[name];
    const { tone, words } = stand ? look(stand.status) : { tone: "none", words: "not run" };
    attribute(button, "class", `node ${state.type.toLowerCase()} ${tone}`);
    attribute(button, "aria-pressed", name === selected ? "true" : "false");
    const shown = stand?.counts ? counted(stand.counts) : words;
    text(parts.words, stand ? shown : "");
    if (!state.inside) attribute(parts.name, "y", stand ? 18 : HEIGHT / 2 + 4);
    const retries = stand?.retries ? `↻ ${stand.retries}` : "";
    text(parts.retries, retries);
    attribute(parts.plate, "class", `plate${retries ? "" : " off"}`);
    attribute(button, "aria-label", `${name}: ${shown}${retries ? `, ${stand.retries} retries` : ""}${batch === null ? "" : `, batch ${batch}`}`);
  }
}

function counted(counts) {
  const order = ["succeeded", "running", "retrying", "caught", "failed", "stopped"];
  return order.filter((status) => counts[status]).map((status) => `${look(status).sign} ${counts[status]}`).join("  ");
}

function path({ points, caught, label }) {
  const [first, ...rest] = points;
  let d = `M${first.x},${first.y}`;
  for (let at = 0; at < rest.length - 1; at += 1) {
    const middle = { x: (rest[at].x + rest[at + 1].x) / 2, y: (rest[at].y + rest[at + 1].y) / 2 };
    const end = at === rest.length - 2 ? rest[at + 1] : middle;
    d += ` Q${rest[at].x},${rest[at].y} ${end.x},${end.y}`;
  }
  if (rest.length === 1) d += ` L${rest[0].x},${rest[0].y}`;
  return s("path", { d, class: `edge${caught ? " caught" : ""}`, "marker-end": `url(#arrow${caught ? "-caught" : ""})` }, label ? s("title", {}, label) : null);
}

function marker(id) {
  return s("marker", { id, class: id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, s("path", { d: "M0,0 L8,4 L0,8 z" }));
}
