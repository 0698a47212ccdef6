// A question before anything is started or deleted. Escape and the first button mean no.

import { h } from "../web/dom.js";

export function confirm(question, told, yes, tone) {
  const dialog = document.getElementById("dialog");
  const no = h("button", { type: "button", onclick: () => dialog.close("no") }, "Cancel");
  const go = h("button", { type: "button", class: tone, onclick: () => dialog.close("yes") }, yes);
  dialog.returnValue = "no";
  dialog.replaceChildren(h("h2", { id: "dialog-title" }, question), ...told.map((part) => (typeof part === "string" ? h("p", {}, part) : part)), h("div", { class: "actions" }, no, go));
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
    no.focus();
  });
}
