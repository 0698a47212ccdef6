// The dead-letter queue: what could not be loaded, and running it again. Nothing is started or deleted unasked.

import { poll, post, read } from "./api.js";
import { confirm } from "./dialog.js";
import { arrows, attribute, block, count, h, keyed, moment, text } from "../web/dom.js";
import { link } from "./nav.js";
import { overview, trouble } from "./shell.js";

export function queue(main) {
  let letters = [], counts = "", read_ = false;
  const chosen = new Set();
  const list = h("ol", { class: "rows letters", "aria-label": "Messages" });
  const note = h("p", { class: "muted", "aria-live": "polite" }, "reading the queue …");
  const results = h("div", { "aria-live": "polite" });
  const all = h("input", { type: "checkbox", "aria-label": "all messages", onchange: () => mark(all.checked) });
  const buttons = {
    redrive: h("button", { type: "button", class: "primary", onclick: () => redrive() }, "Run again …"),
    purge: h("button", { type: "button", class: "danger", onclick: () => purge() }, "Delete …"),
    again: h("button", { type: "button", onclick: () => looking.now() }, "Look again"),
  };
  const bar = h("div", { class: "actions" }, h("label", {}, all, h("span", {}, "all")), buttons.redrive, buttons.purge, buttons.again);
  arrows(list, "summary");
  main.append(h("h1", {}, "Queue"), h("p", { class: "muted" }, "What could not be loaded, kept with everything needed to run it again (the dead-letter queue). All of it at once: ", h("code", {}, "marketlake retry --all")), bar, results, note, list);

  async function look() {
    const found = await read("api/queue");
    read_ = true;
    counts = JSON.stringify(overview.queue);
    letters = found.letters;
    for (const id of chosen) if (!letters.some((letter) => letter.id === id)) chosen.delete(id);
    const hidden = found.hidden ? `About ${count(found.hidden, "message")} just being read by something else; look again in a minute.` : "Nothing is on the queue: nothing waits to be run again.";
    text(note, letters.length ? count(letters.length, "message") : hidden);
    keyed(list, letters, (letter) => letter.id, (letter) => row(letter, chosen, tell));
    tell();
  }

  function mark(on) {
    chosen.clear();
    if (on) for (const letter of letters) chosen.add(letter.id);
    for (const box of list.querySelectorAll("input")) box.checked = chosen.has(box.value);
    tell();
  }

  function tell() {
    all.checked = letters.length > 0 && chosen.size === letters.length;
    all.indeterminate = chosen.size > 0 && chosen.size < letters.length;
    attribute(all, "disabled", !letters.length);
    const again = letters.filter((letter) => chosen.has(letter.id) && letter.redrivable).length;
    text(buttons.redrive, `Run ${again || ""} again …`.replace("  ", " "));
    attribute(buttons.redrive, "disabled", !again);
    text(buttons.purge, `Delete ${chosen.size || ""} …`.replace("  ", " "));
    attribute(buttons.purge, "disabled", !chosen.size);
  }

  async function redrive() {
    const ids = letters.filter((letter) => chosen.has(letter.id) && letter.redrivable).map((letter) => letter.id);
    await doing(async () => {
      const plan = (await post("api/queue/redrive", { ids, dry_run: true })).results.filter((one) => one.execution);
      if (!plan.length) return note_("none of these messages is there any more");
      const lines = plan.map((one) => h("li", {}, h("code", {}, one.execution), " with ", h("code", {}, JSON.stringify(one.input))));
      const question = `Start ${count(plan.length, "execution")} on ${overview.target}?`;
      const told = ["Each message is deleted once its start was accepted. A message that is run again twice runs once.", h("ul", {}, lines)];
      if (!(await confirm(question, told, `Start ${count(plan.length, "execution")}`, "primary"))) return;
      const done = (await post("api/queue/redrive", { ids: plan.map((one) => one.id) })).results;
      results.replaceChildren(h("div", { class: `note ${done.every((one) => one.done) ? "ok" : "bad"}` }, h("ul", {}, done.map(result))));
    });
  }

  async function purge() {
    const ids = [...chosen];
    await doing(async () => {
      const question = `Delete ${count(ids.length, "message")} on ${overview.target} for good?`;
      const told = ["What they hold is not run again by this queue. Days that are missing can still be loaded by a backfill."];
      if (!(await confirm(question, told, `Delete ${count(ids.length, "message")}`, "danger"))) return;
      const { deleted } = await post("api/queue/purge", { ids });
      note_(`${count(deleted, "message")} deleted`);
    });
  }

  function note_(words) {
    results.replaceChildren(h("div", { class: "note ok" }, words));
  }

  async function doing(work) {
    for (const button of Object.values(buttons)) attribute(button, "disabled", true);
    try {
      await work();
      trouble("post")(null);
    } catch (error) {
      trouble("post")(error);
    }
    attribute(buttons.again, "disabled", false);
    await look().catch(trouble("view"));
  }

  tell();
  // Reading keeps the messages from others for a moment: only when their number has changed, and now and then.
  const looking = poll(look, () => (overview.local ? 20_000 : 120_000), trouble("view"));
  return {
    update() {},
    counted: () => read_ && overview.local && JSON.stringify(overview.queue) !== counts && looking.now(),
    stop: () => (looking.stop(), trouble("post")(null)),
  };
}

function result(one) {
  const name = one.done ? h("a", { href: link(`executions/${encodeURIComponent(one.execution)}`) }, one.execution) : h("code", {}, one.id);
  return h("li", {}, name, ` ${one.result}`);
}

function row(letter, chosen, tell) {
  const box = h("input", { type: "checkbox", value: letter.id, "aria-label": `message ${letter.id}`, onchange: () => (box.checked ? chosen.add(letter.id) : chosen.delete(letter.id), tell()) });
  box.checked = chosen.has(letter.id);
  const what = letter.dataset ? `${letter.dataset} ${letter.period}` : letter.kind === "schedule" ? "a scheduled start" : "unknown message";
  const from = letter.execution ? h("p", {}, "from ", h("a", { href: link(`executions/${encodeURIComponent(letter.execution)}`) }, letter.execution)) : "";
  const command = letter.retry ? h("p", {}, "or, with all that failed beside it: ", h("code", {}, letter.retry)) : "";
  const starts = letter.starts ? h("p", {}, "run again, it starts ", h("code", {}, letter.starts), " with ", h("code", {}, JSON.stringify(letter.input))) : h("p", { class: "muted" }, "It cannot be run again from here; delete it when it is understood.");
  return h("li", { class: "letter" }, box, h("details", {},
    h("summary", {}, h("span", { class: `pill ${letter.redrivable ? "bad" : "warn"}` }, letter.error || letter.kind), h("strong", {}, what), h("time", {}, moment(letter.when)), h("span", { class: "told" }, letter.cause)),
    h("div", { class: "inside" }, from, starts, command, block("Message", letter.body, "empty"))));
}
