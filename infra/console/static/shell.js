// What all views share: the deployment that is shown, how often it is asked, and what went wrong last.

import { h } from "../web/dom.js";

export const overview = { local: true, target: "", queue: null, mails: null };

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
    const told = first ? `${first.message}|${first.advice}` : "";
    box.hidden = !first;
    if (box.dataset.told === told) return;
    box.dataset.told = told;
    const lines = first ? [h("strong", {}, first.message)] : [];
    if (first?.advice) lines.push(h("span", {}, `Next: ${first.advice}`));
    box.replaceChildren(...lines);
  };
}
