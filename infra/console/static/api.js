// Reads the console's JSON: unchanged answers cost a 304, errors become an object with what to do next.

const token = document.querySelector('meta[name="marketlake-token"]').content;
// A console that may only read gives its page no token.
export const readOnly = !token;

const kept = new Map();

export class Trouble extends Error {
  constructor(message, advice) {
    super(message);
    this.advice = advice;
  }
}

export async function read(path) {
  const known = kept.get(path);
  const response = await ask(path, { headers: known ? { "If-None-Match": known.tag } : {}, cache: "no-store" });
  if (response.status === 304) return known.document;
  const document = await body(response);
  const tag = response.headers.get("ETag");
  if (tag) {
    kept.delete(path);
    kept.set(path, { tag, document });
    if (kept.size > 20) kept.delete(kept.keys().next().value);
  }
  return document;
}

export async function post(path, document) {
  const headers = { "Content-Type": "application/json", "X-Marketlake-Token": token };
  return body(await ask(path, { method: "POST", headers, body: JSON.stringify(document) }));
}

async function ask(path, options) {
  try {
    return await fetch(path, options);
  } catch {
    throw new Trouble("the console does not answer", "start it again with: marketlake console");
  }
}

async function body(response) {
  const document = await response.json().catch(() => null);
  if (response.ok && document !== null) return document;
  throw new Trouble(
    document?.error ?? `the console broke (status ${response.status})`,
    document ? document.advice : "its terminal has the trace; please report it",
  );
}

// Calls `look` again and again while the page is seen: `pause()` milliseconds apart, longer after errors.
export function poll(look, pause, trouble) {
  let timer, stopped = false, failures = 0, busy = false;
  async function turn() {
    clearTimeout(timer);
    if (stopped || busy || document.hidden) return;
    busy = true;
    try {
      await look();
      if (!stopped) trouble(null);
      failures = 0;
    } catch (error) {
      failures += 1;
      if (!stopped) trouble(error);
      if (!(error instanceof Trouble)) console.error(error);
    }
    busy = false;
    if (!stopped) timer = setTimeout(turn, Math.min(pause() * 2 ** failures, 30_000));
  }
  document.addEventListener("visibilitychange", turn);
  turn();
  return {
    now: turn,
    stop() {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", turn);
    },
  };
}
