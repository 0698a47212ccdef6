// The part of the address after # says what is shown, so that every view can be bookmarked.

export const TITLES = { executions: "Executions", queue: "Queue", mails: "Mails", days: "Days" };

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
