// The mails about failures: on the embedded AWS those that would have been sent; in an account people have them.

import { poll, read } from "./api.js";
import { arrows, count, h, keyed, moment, text } from "../web/dom.js";
import { overview, trouble } from "./shell.js";

export function mails(main) {
  let counts = "", read_ = false;
  const list = h("ol", { class: "rows mails", "aria-label": "Mails" });
  const note = h("p", { class: "muted", "aria-live": "polite" }, "reading the mailbox …");
  arrows(list, "summary");
  main.append(h("h1", {}, "Mails"), note, list);

  async function look() {
    const found = await read("api/mails");
    read_ = true;
    counts = JSON.stringify(overview.mails);
    text(note, found.why || (found.mails.length ? `${count(found.mails.length, "mail")} that would have been sent` : "No mail: nothing has failed, or the mails were deleted."));
    keyed(list, found.mails, (mail) => mail.id, (mail) => h("li", {}, h("details", {},
      h("summary", {}, h("strong", {}, mail.subject), h("time", {}, moment(mail.time))), h("pre", { class: "inside mail", tabindex: "0" }, mail.body))));
  }

  const looking = poll(look, () => (overview.local ? 20_000 : 300_000), trouble("view"));
  return { update() {}, counted: () => read_ && overview.local && JSON.stringify(overview.mails) !== counts && looking.now(), stop: looking.stop };
}
