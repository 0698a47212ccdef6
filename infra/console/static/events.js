// The history as Step Functions wrote it: two hundred events at a time, each in full when it is opened.

import { Trouble, read } from "./api.js";
import { duration, h, keyed, seconds, text } from "../web/dom.js";

export function events(name) {
  const list = h("div", { class: "events" });
  const note = h("p", { class: "muted", "aria-live": "polite" });
  const more = h("button", { type: "button", hidden: true, onclick: () => load() }, "Show more");
  const element = h("div", {}, note, list, more);
  const path = `api/executions/${encodeURIComponent(name)}/events`;
  let found = [], total = 0, key = "", busy = false, started = "";

  async function load() {
    if (busy) return;
    busy = true;
    const asked = key;
    try {
      const page = await read(`${path}?${asked}&start=${found.length}`);
      if (asked === key) {
        found = [...found, ...page.events];
        total = page.total;
        draw();
      }
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      text(note, `${error.message}. ${error.advice}`);
    } finally {
      busy = false;
    }
  }

  function draw() {
    text(note, total ? `${found.length.toLocaleString("en")} of ${total.toLocaleString("en")} events` : "No event of this batch or state is in the history; the embedded AWS writes none for states inside a batch that call nothing.");
    more.hidden = found.length >= total;
    keyed(list, found, (event) => event.id, (event) => make(event));
  }

  function make(event) {
    const inside = h("div", { class: "inside" });
    const about = [event.state, event.batch === null ? "" : `batch ${event.batch}`].filter(Boolean).join(" · ");
    const element = h("details", { class: "event" }, h("summary", {},
      h("span", { class: "number" }, event.id), h("span", { class: "type" }, event.type), h("span", { class: "about" }, about), h("span", { class: "took" }, duration(seconds(started, event.time)))), inside);
    element.addEventListener("toggle", async () => {
      if (!element.open || inside.children.length) return;
      const whole = await read(`${path}/${event.id}`).catch((error) => ({ error: error.message }));
      inside.replaceChildren(h("pre", { tabindex: "0" }, JSON.stringify(whole, unfold, 2)));
    });
    return element;
  }

  return {
    element,
    update(record, { batch, state }) {
      const wanted = new URLSearchParams({ ...(batch === null ? {} : { batch }), ...(state ? { state } : {}) }).toString();
      started = record.started;
      if (wanted !== key || !found.length) {
        [key, found, total] = [wanted, [], 0];
        load();
      } else if (record.events !== element.events && found.length >= total) load();
      element.events = record.events;
    },
  };
}

// Documents inside a document are easier to read as what they are than as one long line.
function unfold(_key, value) {
  if (typeof value !== "string" || !/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
