// The page: a new edit, or the run that the address names.
import { mayAsk } from "./api.js";
import { $, make } from "./dom.js";
import { Home } from "./home.js";
import { RunView } from "./run.js";
import { trouble } from "./words.js";

/// Says something about the server that stays until it is taken back, with one thing that can be done about it.
function notice(text, deed) {
  const bar = $("#notice");
  const said = `${text}${deed?.words ?? ""}`;
  if (bar.dataset.said === said) return;
  bar.dataset.said = said;
  const button = deed ? [make("button", { type: "button", click: () => { notice(""); deed.act(); } }, deed.words)] : [];
  bar.replaceChildren(...(text ? [make("span", {}, text), ...button] : []));
}

const open = (id) => { location.hash = `run=${id}`; };
const runs = new RunView({ open, notice, reword: (picture, instruction) => { location.hash = ""; home.take(picture, instruction); } });
const home = new Home({
  open,
  leave: () => { if (location.hash.startsWith("#run=")) location.hash = ""; },
  trouble: (error, again) => {
    const needsKey = error.status === 401;
    notice(needsKey ? "This server needs an API key." : trouble(error), { words: needsKey ? "Enter the key" : "Try again", act: () => { mayAsk(); again(); } });
  },
});

/// Where the address leads.
function route() {
  const named = new URLSearchParams(location.hash.slice(1));
  const id = named.get("run");
  const candidate = /^\d{1,9}$/.test(named.get("candidate") ?? "") ? Number(named.get("candidate")) : null;
  $("#home").hidden = id !== null;
  $("#run").hidden = id === null;
  $("#again").hidden = id === null;
  if (id === null) {
    if (runs.run) { scrollTo(0, 0); $("#main").focus({ preventScroll: true }); }
    runs.leave();
    home.show();
  } else {
    home.hide();
    runs.enter(id, candidate);
  }
}

$(".skip").addEventListener("click", (event) => { event.preventDefault(); $("#main").focus(); });
addEventListener("hashchange", route);
route();
