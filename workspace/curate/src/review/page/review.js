// The review: what is shown, what keys do, what is said.
import { card, comparison, facts, side, source } from "./cards.js";
import { Desk } from "./desk.js";
import { by, element } from "./dom.js";

const desk = new Desk();
const stage = by("stage");
const choices = { view: by("view"), order: by("order"), fate: by("fate"), stratum: by("stratum"), spoken: by("spoken") };
const GRID = 24;
let [shown, place, mine, busy] = [[], 0, [], false];

const hash = (text) => [...text].reduce((sum, letter) => (sum * 33 + letter.charCodeAt(0)) >>> 0, 5381);
const orders = {
  cut: (a, b) => Math.abs(a.from_cut ?? Infinity) - Math.abs(b.from_cut ?? Infinity) || a.row - b.row || a.candidate - b.candidate,
  random: (a, b) => hash(`${a.row}:${a.candidate}`) - hash(`${b.row}:${b.candidate}`),
  rows: (a, b) => a.row - b.row || a.candidate - b.candidate,
};

/// What the controls ask for, drawn up anew: verdicts given since do not make what is on the screen disappear.
function draw() {
  const { view, order, fate, stratum, spoken } = Object.fromEntries(Object.entries(choices).map(([name, control]) => [name, control.value]));
  const items = desk.items
    .filter((item) => !fate || item.is_kept === (fate === "kept"))
    .filter((item) => !stratum || item.stratum === stratum)
    .sort((a, b) => orders[order](a, b) || 0);
  const all = view === "pairs" ? desk.pairs(items) : items;
  const has = (one) => Boolean(view === "pairs" ? desk.better(one) : desk.word(one));
  shown = all.filter((one) => !spoken || has(one) === (spoken === "said"));
  place = 0;
  show();
}

function progress() {
  const words = [...desk.words.values()];
  const kept = words.filter(({ word }) => word === "keep").length;
  const compared = desk.compared.size ? `, ${desk.compared.size} compared` : "";
  by("lead").textContent = `${words.length} of ${desk.items.length} said: ${kept} keep, ${words.length - kept} drop${compared}. ${shown.length} shown here.`;
}

function show() {
  progress();
  if (!shown.length) {
    stage.replaceChildren(element("p", { class: "remark" }, choices.spoken.value === "open" ? "Nothing is left to be said here. Choose something else above, or close the page: every verdict is on disk." : "Nothing of that kind."));
    return;
  }
  if (place >= shown.length) {
    stage.replaceChildren(element("p", { class: "remark" }, "That was the last one. Go back with ←, or choose something else above."));
    return;
  }
  const views = { one, grid, pairs };
  stage.replaceChildren(...views[choices.view.value]());
}

function button(words, letter, act, properties = {}) {
  return element("button", { type: "button", onclick: act, ...properties }, words, " ", element("kbd", {}, letter));
}

function one() {
  const item = shown[place];
  const word = desk.word(item);
  const pressed = (value) => ({ "aria-pressed": String(word?.word === value), class: value });
  return [
    element("p", { class: "small count" }, `${place + 1} of ${shown.length}`),
    element("div", { class: "one" }, comparison(item), element("div", {}, facts(item, word),
      element("p", { class: "buttons" },
        button("Keep", "K", () => say(item, "keep"), pressed("keep")), button("Drop", "D", () => say(item, "drop"), pressed("drop")),
        button("Skip", "S", () => go(1)), button("Back", "←", () => go(-1)), button("Undo", "U", undo)))),
  ];
}

function grid() {
  const from = place - place % GRID;
  const some = shown.slice(from, from + GRID);
  return [
    element("ul", { class: "cards" }, some.map((item) => card(item, desk.word(item), { keep: () => say(item, "keep"), drop: () => say(item, "drop") }))),
    element("p", { class: "buttons" },
      button("Before", "←", () => go(-GRID), { disabled: from === 0 }), button("Next", "→", () => go(GRID), { disabled: from + GRID >= shown.length }), button("Undo", "U", undo)),
  ];
}

function pairs() {
  const pair = shown[place];
  const better = desk.better(pair);
  return [
    element("p", { class: "small count" }, `${place + 1} of ${shown.length}: row ${pair[0].row}`),
    element("p", { class: "instruction large" }, pair[0].instruction),
    element("div", { class: "three" }, source(pair[0]),
      pair.map((item, at) => side(item, at + 1, better?.better === item.candidate, () => prefer(at)))),
    better ? element("p", { class: "small" }, `${better.who || "A person"} chose picture ${better.better + 1}`) : null,
    element("p", { class: "buttons" }, button("Skip", "S", () => go(1)), button("Back", "←", () => go(-1)), button("Undo", "U", undo)),
  ].filter(Boolean);
}

function go(steps) {
  const size = choices.view.value === "grid" ? GRID : 1;
  const step = Math.sign(steps) * size;
  place = Math.max(0, Math.min(shown.length, place + step));
  if (size > 1 && place >= shown.length) place = Math.max(0, shown.length - 1);
  show();
}

/// Takes something down, one at a time; what fails is told, and nothing moves on.
async function take(decided, then) {
  if (busy) return;
  busy = true;
  by("told").textContent = "";
  try {
    await desk.say({ ...decided, who: by("who").value });
    then();
  } catch (error) {
    by("told").textContent = error.message;
  }
  busy = false;
}

function say(item, verdict) {
  const decided = { row: item.row, candidate: item.candidate, verdict };
  const before = desk.word(item)?.word;
  return take(decided, () => {
    mine.push({ ...decided, before });
    if (choices.view.value === "one") go(1); else show();
  });
}

function prefer(at) {
  const pair = shown[place];
  const [better, other] = [pair[at], pair[1 - at]];
  const decided = { row: better.row, candidate: better.candidate, verdict: "better-than", than: other.candidate };
  const before = desk.better(pair)?.better;
  return take(decided, () => { mine.push({ ...decided, before }); go(1); });
}

/// Says again what was said before the last verdict, or takes it back where nothing was.
function undo() {
  const last = mine.at(-1);
  if (!last) { by("told").textContent = "There is nothing of yours to undo."; return; }
  const { row, candidate, than, before } = last;
  let again = { row, candidate, verdict: before ?? "withdraw" };
  if (than !== undefined) {
    again = before === undefined ? { row, candidate, verdict: "withdraw", than }
      : { row, candidate: before, verdict: "better-than", than: before === candidate ? than : candidate };
  }
  take(again, () => {
    mine.pop();
    const at = shown.findIndex((one) => Array.isArray(one)
      ? than !== undefined && one[0].row === row && one.every((item) => [candidate, than].includes(item.candidate))
      : than === undefined && one.row === row && one.candidate === candidate);
    if (at >= 0 && choices.view.value !== "grid") place = at;
    show();
    by("told").textContent = `Undone: row ${row}, picture ${candidate + 1}.`;
  });
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=range]), select, textarea")) return;
  const isSlider = event.target.matches("input[type=range]");
  const view = choices.view.value;
  const keys = {
    k: () => view === "one" && shown[place] && say(shown[place], "keep"),
    d: () => view === "one" && shown[place] && say(shown[place], "drop"),
    1: () => view === "pairs" && shown[place] && prefer(0),
    2: () => view === "pairs" && shown[place] && prefer(1),
    s: () => go(1), u: undo, b: () => stage.classList.add("source-only"),
    ArrowRight: () => !isSlider && go(1), ArrowLeft: () => !isSlider && go(-1),
  };
  const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || (event.repeat && event.key.toLowerCase() !== "b")) return;
  if (act() !== false && !isSlider) event.preventDefault();
}

/// What others said is looked for now and then; only what is shown of it changes.
async function others() {
  try {
    if (!busy && await desk.catchUp()) {
      progress();
      if (choices.view.value === "grid") show();
    }
  } catch { /* told at the next verdict */ }
}

async function begin() {
  const { title, who } = await desk.load();
  by("title").textContent = title;
  by("who").value = localStorage.getItem("editscale-review-who") ?? who;
  by("who").addEventListener("change", () => localStorage.setItem("editscale-review-who", by("who").value.trim()));
  const strata = [...new Set(desk.items.map((item) => item.stratum).filter(Boolean))].sort();
  by("stratum").append(...strata.map((stratum) => element("option", { value: stratum }, stratum)));
  if (!desk.pairs(desk.items).length) choices.view.querySelector("[value=pairs]").remove();
  Object.values(choices).forEach((control) => control.addEventListener("change", draw));
  by("controls").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", pressed);
  document.addEventListener("keyup", (event) => { if (event.key.toLowerCase() === "b") stage.classList.remove("source-only"); });
  setInterval(others, 5000);
  draw();
}

begin().catch((error) => { by("told").textContent = error.message; });
