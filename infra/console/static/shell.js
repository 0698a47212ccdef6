// What all views share: the address, the deployment that is shown, how often it is asked, what went wrong last, and
// the question before anything is started or deleted.

import { Trouble, read } from "./api.js";
import { h } from "../web/dom.js";
import { changed } from "./parts.js";

// The part of the address after # says what is shown, so that every view can be bookmarked.
export const TITLES = { executions: "Executions", queue: "Queue", mails: "Mails", days: "Days", data: "Data", start: "Start", compare: "Compare" };

export function address() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [view = "", ...rest] = path.split("/");
  const name = decoded(rest.join("/"));
  const nav = view in TITLES ? view : "executions";
  return { view: nav === "executions" && name ? "execution" : nav, nav, name, query: new URLSearchParams(query) };
}

export function link(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const wanted = new URLSearchParams(given).toString();
  return `#/${path}${wanted ? `?${wanted}` : ""}`;
}

// Narrows what is shown without a new entry in the browser's history.
export function narrow(hash) {
  history.replaceState(null, "", hash);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const overview = { local: true, target: "", queue: null, mails: null, links: {}, datasets: {} };

// Milliseconds between two looks. An account's API quotas are shared with everyone who works in it.
export const pace = (running) => (overview.local ? (running ? 700 : 3000) : running ? 3000 : 15_000);

const troubles = new Map();

// A function that shows the error of `who`, or with null takes it away.
export function trouble(who) {
  return (error) => {
    if (error) troubles.set(who, error);
    else troubles.delete(who);
    const [first] = troubles.values();
    const box = document.getElementById("alert");
    box.hidden = !first;
    if (!changed(box, [first?.message, first?.advice])) return;
    const lines = first ? [h("strong", {}, first.message)] : [];
    if (first?.advice) lines.push(h("span", {}, `Next: ${first.advice}`));
    box.replaceChildren(...lines);
  };
}

// Shows in `place` the elements that `made` makes of what `path` answers, or why there is no answer.
export async function answer(place, path, made) {
  try {
    place.replaceChildren(...made(await read(path)));
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    place.replaceChildren(h("p", { class: "cause" }, h("strong", {}, error.message), error.advice ? ` Next: ${error.advice}` : ""));
  }
}

// Escape and the first button mean no.
export function confirm(question, words, yes, tone) {
  const dialog = document.getElementById("dialog");
  const no = h("button", { type: "button", onclick: () => dialog.close("no") }, "Cancel");
  const go = h("button", { type: "button", class: tone, onclick: () => dialog.close("yes") }, yes);
  dialog.returnValue = "no";
  dialog.replaceChildren(h("h2", { id: "dialog-title" }, question), ...words.map((part) => (typeof part === "string" ? h("p", {}, part) : part)), h("div", { class: "actions" }, no, go));
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
    no.focus();
  });
}
