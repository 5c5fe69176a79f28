// A card for each candidate: its picture, what the rewards say, where it came from; and one card for all that failed alike.
import { make, say } from "./dom.js";
import { candidateOf } from "./pictures.js";
import { ahead, figure, name, origin, plain, plural, seconds } from "./words.js";

/// How often a picture is asked for that does not come.
const MOST_TRIES = 6;

export class Sheet {
  constructor(list, { shelf, show, link }) {
    Object.assign(this, { list, shelf, show, link, cards: new Map(), failures: new Map() });
  }

  clear() {
    this.list.replaceChildren();
    this.cards.clear();
    this.failures.clear();
  }

  /// Draws what has changed; `shown` are the two that are compared.
  update(run, shown, order) {
    const all = [...run.candidates.values()];
    const made = all.filter((one) => one.failure === null);
    const word = ahead(run);
    for (const one of made) {
      if (!this.cards.has(one.id)) this.cards.set(one.id, new Card(this, run, one));
      this.cards.get(one.id).update(run, one, { best: run.best === one.id ? word : null, left: shown.left === one.id, right: shown.right === one.id });
    }
    for (const one of all) if (one.failure !== null) this.cards.delete(one.id);
    this.list.classList.toggle("many", made.length > 40);
    const sorted = order === "best" ? made.toSorted(byPlace(run)) : made;
    this.arrange([...sorted.map((one) => this.cards.get(one.id).element), ...this.failed(all)]);
  }

  arrange(elements) {
    const now = this.list.children;
    if (now.length === elements.length && elements.every((element, place) => now[place] === element)) return;
    const focused = document.activeElement;
    this.list.replaceChildren(...elements);
    if (focused !== document.activeElement && this.list.contains(focused)) focused.focus({ preventScroll: true });
  }

  failed(all) {
    const alike = Map.groupBy(all.filter((one) => one.failure !== null), (one) => one.failure.message);
    return [...alike].map(([why, ones]) => {
      if (!this.failures.has(why)) this.failures.set(why, make("li", { class: "failures" }));
      const item = this.failures.get(why);
      const count = `${plural(ones.length, "candidate")} failed`;
      const numbers = `No. ${ones.map((one) => one.id).join(", ")}`;
      if (item.dataset.said !== numbers) {
        item.dataset.said = numbers;
        item.replaceChildren(make("p", { class: "score" }, count), make("p", { class: "why" }, why), make("p", { class: "how" }, numbers));
      }
      return item;
    });
  }
}

function byPlace(run) {
  const place = new Map(run.ranked.map((id, place) => [id, place]));
  const rank = (one) => place.get(one.id) ?? Infinity;
  return (a, b) => {
    if (rank(a) !== rank(b)) return rank(a) - rank(b);
    return (b.utility ?? -Infinity) === (a.utility ?? -Infinity) ? a.id - b.id : (b.utility ?? -Infinity) - (a.utility ?? -Infinity);
  };
}

class Card {
  constructor(sheet, run, one) {
    Object.assign(this, { sheet, said: "", trouble: "", tries: 0 });
    this.picture = make("img", { alt: "", decoding: "async", hidden: true });
    this.missing = make("span", { class: "missing" });
    this.steps = make("progress", { class: "steps", max: 1, value: 0, hidden: true, "aria-label": `Steps of ${name(one.id)}` });
    this.button = make("button", { type: "button", class: "picture", click: () => sheet.show(one.id) }, this.picture, this.missing);
    this.facts = make("div", {});
    this.exact = make("span", {});
    this.details = make("details", { class: "how" }, make("summary", {}, "Seed and settings"), this.exact);
    this.element = make("li", { class: "card arriving", id: `candidate-${one.id}`, animationend: (event) => event.currentTarget.classList.remove("arriving") }, this.button, this.steps, make("div", { class: "facts" }, this.facts, this.details));
  }

  /// `marks`: what it is called where it is ahead, and on which sides it is compared.
  update(run, one, marks) {
    this.progress(one);
    const said = JSON.stringify([one.stage, one.scores, one.utility, one.notes, one.told, run.instruction, one.critique, one.secs, one.hasPicture, one.knobs, run.state, run.picked === one.id, marks]);
    if (said === this.said) return;
    this.said = said;
    this.element.classList.toggle("best", marks.best !== null);
    this.element.classList.toggle("shown", marks.right || marks.left);
    this.button.disabled = !one.hasPicture;
    this.button.setAttribute("aria-pressed", String(marks.right));
    this.button.setAttribute("aria-label", one.hasPicture ? `Show ${name(one.id)} in the comparison` : name(one.id));
    this.load(run, one);
    this.facts.replaceChildren(score(one, [marks.best, run.picked === one.id ? "picked" : null]), ...parts(one), history(one, this.sheet.link), ...told(run, one), ...notes(one), ...critique(one));
    this.exact.replaceChildren(...exact(one));
  }

  progress(one) {
    const isStepping = one.stage === "editing" && one.steps > 0;
    this.steps.hidden = !isStepping;
    if (isStepping) this.steps.value = one.step / one.steps;
    say(this.missing, one.hasPicture ? this.trouble : isStepping ? `Step ${one.step} of ${one.steps}` : waiting(one));
  }

  load(run, one) {
    if (!one.hasPicture || this.isLoading || this.tries >= MOST_TRIES) return;
    this.isLoading = true;
    this.tries += 1;
    this.sheet.shelf.show(this.picture, candidateOf(run.id, one.id, 480)).then(
      () => { this.picture.hidden = false; this.missing.hidden = true; this.tries = MOST_TRIES; },
      (error) => {
        this.isLoading = false;
        this.trouble = error.status === 404 ? "Picture not kept" : "Picture not loaded";
        if (error.status === 404) this.tries = MOST_TRIES;
        // Tried again when the run is drawn again, as after a server came back.
        this.said = "";
        say(this.missing, this.trouble);
      });
  }
}

const waiting = (one) => ({ asked: "Asked for", editing: "Being made", over: "Not made" })[one.stage] ?? "";

function score(one, badges) {
  const words = (badge) => badge.charAt(0).toUpperCase() + badge.slice(1);
  const element = (badge) => make("span", { class: badge === "picked" ? "badge picked" : "badge" }, words(badge));
  return make("p", { class: "score" }, figure(one.utility), ...badges.filter(Boolean).map(element));
}

/// The parts of every reward's score, as bars where the score lies between 0 and 1.
function parts(one) {
  const rewards = Object.entries(one.scores ?? {});
  if (!rewards.length) return one.stage === "made" ? [make("p", { class: "how" }, "Being judged")] : [];
  const rows = rewards.flatMap(([reward, said]) => {
    if (said.failure) return [make("div", {}, make("dt", {}, reward), make("dd", { class: "bad" }, `failed: ${said.failure.message}`))];
    const inner = Object.entries(said.parts ?? {}).map(([part, { mean, sigma }]) => row(plain(part), mean, sigma));
    return [row(reward, said.mean, said.sigma, "whole"), ...inner];
  });
  return [make("dl", { class: "parts" }, rows)];
}

function row(words, mean, sigma, kind = "") {
  const isShare = mean >= 0 && mean <= 1;
  const value = `${figure(mean)}${typeof sigma === "number" ? ` ± ${figure(sigma)}` : ""}`;
  const element = make("div", { class: `${kind}${isShare ? " bar" : ""}` }, make("dt", {}, words), make("dd", {}, value));
  if (isShare) element.style.setProperty("--share", `${(mean * 100).toFixed(1)}%`);
  return element;
}

function history(one, link) {
  const from = origin(one.edge, one.parent === null ? null : "");
  const parent = one.parent === null ? [] : [make("a", { href: link(one.parent) }, name(one.parent))];
  return make("p", { class: "how" }, `${name(one.id)} · ${from} `, ...parent);
}

/// What the editor was told, where that is not what was asked for.
const told = (run, one) => (one.told && one.told !== run.instruction ? [make("p", { class: "how" }, `Told: ${one.told}`)] : []);

/// What a critic wrote about it, or why it did not.
function critique({ critique: said }) {
  if (!said) return [];
  const words = said.failure ? `The critic wrote nothing: ${said.failure.message}` : `The critic${said.satisfied ? ", satisfied" : ""}: ${said.text}`;
  return [make("p", { class: "how" }, words)];
}

const notes = (one) => one.notes.map((note) => make("p", { class: "how" }, note));

function exact(one) {
  const lines = [`Editor ${one.editor}, seed ${one.seed}, round ${one.round + 1}`];
  for (const [knob, value] of Object.entries(one.knobs ?? {})) lines.push(`${plain(knob)} ${value.toFixed(2)}`);
  if (typeof one.secs === "number") lines.push(`made in ${seconds(one.secs)}`);
  if (typeof one.probability === "number") lines.push(`chance in one draw ${figure(one.probability)}`);
  return lines.flatMap((line, place) => (place ? [make("br"), line] : [line]));
}
