// Calls of the server: with the key where one is needed, and errors as the server words them.
import { $, say } from "./dom.js";

const KEY = "editscale-key";
/// A stream tells at least every 15 seconds that it is there.
const SILENCE = 45_000;

let asking = null;
let dismissed = false;

export class Refused extends Error {
  constructor(status, error, after) {
    super(error.message);
    this.status = status;
    this.param = error.param ?? null;
    this.code = error.code ?? null;
    this.after = after;
  }
}

const stored = () => sessionStorage.getItem(KEY);

/// Whether there is no use in trying again: the server has understood and will not.
export const isFinal = (error) => error instanceof Refused && error.status < 500 && error.status !== 429;

/// A person wants something: the key may be asked for again.
export function mayAsk() { dismissed = false; }

/// An answer that is a success; all else is thrown as `Refused`, and a server that is not there as `TypeError`.
export async function call(path, { headers = {}, ...options } = {}) {
  for (;;) {
    const key = stored();
    const sent = key ? { ...headers, authorization: `Bearer ${key}` } : headers;
    const response = await fetch(path, { ...options, headers: sent, credentials: "omit" });
    if (response.ok) return response;
    const refused = await refusal(response);
    if (response.status !== 401) throw refused;
    if (stored() === key) await askForKey(refused, key);
  }
}

export const json = async (path, options) => (await call(path, options)).json();

async function refusal(response) {
  const after = Number(response.headers.get("retry-after")) || null;
  let error;
  try { error = (await response.json()).error; } catch { error = null; }
  return new Refused(response.status, error ?? { message: `The server answered ${response.status} ${response.statusText}` }, after);
}

/// Asks once for all calls that wait for it.
function askForKey(refused, wrong) {
  if (dismissed) throw refused;
  asking ??= new Promise((resolve, reject) => {
    const dialog = $("#key");
    const [form, field, error] = [$("form", dialog), $("input", dialog), $(".error", dialog)];
    say(error, wrong ? refused.message : "");
    field.value = "";
    form.onsubmit = (event) => {
      event.preventDefault();
      const key = field.value.trim();
      if (!/^[\x21-\x7e]+$/.test(key)) {
        say(error, "Expected a key of letters, digits and signs, without blanks.");
        field.focus();
        return;
      }
      sessionStorage.setItem(KEY, key);
      resolve();
      dialog.close();
    };
    $(".close", dialog).onclick = () => dialog.close();
    dialog.onclose = () => {
      asking = null;
      field.value = "";
      dismissed = stored() === wrong;
      reject(refused);
    };
    dialog.showModal();
  });
  return asking;
}

/// The events of a stream, as `{id, name, data}`. Ends when the stream does, or when it is silent for too long.
export async function* events(path, last, signal) {
  const hush = new AbortController();
  const stop = () => hush.abort();
  signal.addEventListener("abort", stop);
  let watch = setTimeout(stop, SILENCE);
  try {
    const headers = { accept: "text/event-stream", ...(last === null ? {} : { "last-event-id": last }) };
    const response = await call(path, { headers, signal: hush.signal, cache: "no-store" });
    yield { name: "open" };
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let [rest, event] = ["", { data: [] }];
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(watch);
      watch = setTimeout(stop, SILENCE);
      const lines = (rest + value).split(/\r?\n/);
      rest = lines.pop();
      for (const line of lines) {
        if (line !== "") { take(line, event); continue; }
        if (event.data.length) yield { id: event.id, name: event.name, data: JSON.parse(event.data.join("\n")) };
        event = { data: [] };
      }
    }
  } finally {
    clearTimeout(watch);
    signal.removeEventListener("abort", stop);
    hush.abort();
  }
}

function take(line, event) {
  const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
  if (field === "data") event.data.push(value);
  if (field === "id") event.id = value;
  if (field === "event") event.name = value;
}

/// A text by which the server knows a request again that is sent twice.
export function chance() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
