// The two queues: what could not be loaded, with running it again, and the mails about failures.
// To read a queue keeps its messages from others for a moment: it is read when their number has changed, and now and
// then. Nothing is started or deleted unasked.

import { poll, post, read, readOnly } from "./api.js";
import { count, h, text } from "../web/dom.js";
import { arrows, attribute, block, keyed, moment } from "./parts.js";
import { progress } from "./progress.js";
import { confirm, link, overview, trouble } from "./shell.js";

export function queue(main) {
  let letters = [], followed = null;
  const chosen = new Set();
  const list = h("ol", { class: "rows letters", "aria-label": "Messages" });
  const note = h("p", { class: "muted", "aria-live": "polite" }, "reading the queue …");
  const results = h("div", { "aria-live": "polite" });
  const all = h("input", { type: "checkbox", "aria-label": "all messages", onchange: () => mark(all.checked) });
  const buttons = {
    redrive: h("button", { type: "button", class: "primary", onclick: () => redrive() }, "Run again …"),
    purge: h("button", { type: "button", class: "danger", onclick: () => purge() }, "Delete …"),
    again: h("button", { type: "button", onclick: () => view.now() }, "Look again"),
  };
  const bar = h("div", { class: "actions" }, ...(readOnly ? [] : [h("label", {}, all, h("span", {}, "all")), buttons.redrive, buttons.purge]), buttons.again);
  arrows(list, "summary");
  main.append(h("h1", {}, "Queue"), h("p", { class: "muted" }, "What could not be loaded, kept with everything needed to run it again (the dead-letter queue). All of it at once: ", h("code", {}, "marketlake retry --all")), bar, results, note, list);

  async function show() {
    const found = await read("api/queue");
    letters = found.letters;
    for (const id of chosen) if (!letters.some((letter) => letter.id === id)) chosen.delete(id);
    const hidden = found.hidden ? `About ${count(found.hidden, "message")} just being read by something else; look again in a minute.` : "Nothing is on the queue: nothing waits to be run again.";
    text(note, letters.length ? count(letters.length, "message") : hidden);
    keyed(list, letters, (letter) => letter.id, (letter) => row(letter, chosen, showChosen));
    showChosen();
  }

  function mark(on) {
    chosen.clear();
    if (on) for (const letter of letters) chosen.add(letter.id);
    for (const box of list.querySelectorAll("input")) box.checked = chosen.has(box.value);
    showChosen();
  }

  function showChosen() {
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
      if (!plan.length) return say("none of these messages is there any more");
      const lines = plan.map((one) => h("li", {}, h("code", {}, one.execution), " with ", h("code", {}, JSON.stringify(one.input))));
      const question = `Start ${count(plan.length, "execution")} on ${overview.target}?`;
      const words = ["Each message is deleted once its start was accepted. A message that is run again twice runs once.", h("ul", {}, lines)];
      if (!(await confirm(question, words, `Start ${count(plan.length, "execution")}`, "primary"))) return;
      const done = (await post("api/queue/redrive", { ids: plan.map((one) => one.id) })).results;
      followed?.stop();
      followed = progress(done);
      results.replaceChildren(followed.element);
    });
  }

  async function purge() {
    const ids = [...chosen];
    await doing(async () => {
      const question = `Delete ${count(ids.length, "message")} on ${overview.target} for good?`;
      const words = ["What they hold is not run again by this queue. Days that are missing can still be loaded by a backfill."];
      if (!(await confirm(question, words, `Delete ${count(ids.length, "message")}`, "danger"))) return;
      const { deleted } = await post("api/queue/purge", { ids });
      say(`${count(deleted, "message")} deleted`);
    });
  }

  function say(words) {
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
    await view.look().catch(trouble("view"));
  }

  showChosen();
  const view = watching("queue", show, 120_000);
  return { ...view, stop: () => (view.stop(), followed?.stop(), trouble("post")(null)) };
}

// The mails: on the emulator those that would have been sent; in an account people have them.
export function mails(main) {
  const list = h("ol", { class: "rows mails", "aria-label": "Mails" });
  const note = h("p", { class: "muted", "aria-live": "polite" }, "reading the mailbox …");
  arrows(list, "summary");
  main.append(h("h1", {}, "Mails"), note, list);

  async function show() {
    const found = await read("api/mails");
    text(note, found.why || (found.mails.length ? `${count(found.mails.length, "mail")} that would have been sent` : "No mail: nothing has failed, or the mails were deleted."));
    keyed(list, found.mails, (mail) => mail.id, (mail) => h("li", {}, h("details", {},
      h("summary", {}, h("strong", {}, mail.subject), h("time", {}, moment(mail.time))),
      mail.execution ? h("p", { class: "inside" }, h("a", { href: link(`executions/${encodeURIComponent(mail.execution)}`) }, `Open ${mail.execution}`)) : "", h("pre", { class: "inside mail", tabindex: "0" }, mail.body))));
  }

  return watching("mails", show, 300_000);
}

// A view of the queue that `overview` counts as `kind`; in an account it is read `pause` milliseconds apart.
function watching(kind, show, pause) {
  let counts = null;
  async function look() {
    await show();
    counts = JSON.stringify(overview[kind]);
  }
  const looking = poll(look, () => (overview.local ? 20_000 : pause), trouble("view"));
  return {
    update() {},
    look,
    now: looking.now,
    counted: () => counts !== null && overview.local && JSON.stringify(overview[kind]) !== counts && looking.now(),
    stop: looking.stop,
  };
}

function row(letter, chosen, showChosen) {
  const box = h("input", { type: "checkbox", value: letter.id, "aria-label": `message ${letter.id}`, onchange: () => (box.checked ? chosen.add(letter.id) : chosen.delete(letter.id), showChosen()) });
  box.checked = chosen.has(letter.id);
  const what = letter.dataset ? `${letter.dataset} ${letter.period}` : letter.kind === "schedule" ? "a scheduled start" : "unknown message";
  const from = letter.execution ? h("p", {}, "from ", h("a", { href: link(`executions/${encodeURIComponent(letter.execution)}`) }, letter.execution)) : "";
  const command = letter.retry ? h("p", {}, "or, with all that failed beside it: ", h("code", {}, letter.retry)) : "";
  const starts = letter.starts ? h("p", {}, "run again, it starts ", h("code", {}, letter.starts), " with ", h("code", {}, JSON.stringify(letter.input))) : h("p", { class: "muted" }, "It cannot be run again from here; delete it when it is understood.");
  return h("li", { class: "letter" }, readOnly ? "" : box, h("details", {},
    h("summary", {}, h("span", { class: `pill ${letter.redrivable ? "bad" : "warn"}` }, letter.error || letter.kind), h("strong", {}, what), h("time", {}, moment(letter.when)), h("span", { class: "words" }, letter.cause)),
    h("div", { class: "inside" }, from, starts, command, block("Message", letter.body, "empty"))));
}
