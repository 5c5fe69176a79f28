// How records look.
import { element, number } from "./dom.js";

export const picture = (item, which, edge = 1024) => `/picture/${item.row}/${item.candidate}/${which}?edge=${edge}`;

const image = (item, which, edge) => element("img", {
  src: picture(item, which, edge),
  alt: which === "source" ? `Source of row ${item.row}` : `Edited picture ${item.candidate + 1} of row ${item.row}`,
  loading: edge < 512 ? "lazy" : null,
  onerror: (event) => event.target.replaceWith(element("span", { class: "missing" }, "This picture cannot be shown.")),
});

/// Source and edited picture under a slider.
export function comparison(item) {
  const range = element("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": "How much of the source is shown, from the left" });
  const before = element("div", { class: "before" }, image(item, "source"));
  const slider = element("div", { class: "slider" }, image(item, "edited"), before, range);
  const move = (at) => slider.style.setProperty("--at", `${at}%`);
  range.addEventListener("input", () => move(range.value));
  if (item.size) slider.style.aspectRatio = `${item.size[0]} / ${item.size[1]}`;
  move(50);
  return element("div", {}, slider, element("p", { class: "legend" }, element("span", {}, "Source"), element("span", {}, "Edited")));
}

export function amount(item) {
  if (item.score === null) return "no score";
  return item.sigma === null ? number(item.score) : `${number(item.score)} ± ${number(item.sigma)}`;
}

export const badge = (item) => element("span", { class: item.is_kept ? "badge kept" : "badge" }, item.is_kept ? "kept by the rules" : "dropped by the rules");

export function said(word) {
  if (!word) return null;
  return element("span", { class: `badge word ${word.word}` }, `${word.word === "keep" ? "keep" : "drop"}, says ${word.who || "a person"}`);
}

/// Everything that is known of a record.
export function facts(item, word) {
  const parts = Object.entries(item.said).map(([name, value]) => element("div", {},
    element("dt", {}, name.replaceAll("_", " ")),
    element("dd", {}, value.sigma === null ? number(value.mean) : `${number(value.mean)} ± ${number(value.sigma)}`)));
  return element("div", { class: "said" },
    element("p", { class: "instruction large" }, item.instruction),
    element("p", { class: "amount" }, amount(item), " ", badge(item), " ", said(word)),
    item.is_kept ? null : element("p", { class: "small" }, item.fate),
    item.failure ? element("p", { class: "small" }, item.failure) : null,
    item.from_cut === null ? null : element("p", { class: "small" }, `${number(Math.abs(item.from_cut))} ${item.from_cut < 0 ? "below" : "above"} the lowest that is kept`),
    parts.length ? element("details", { class: "small" }, element("summary", {}, "What was said of it"), element("dl", { class: "values" }, parts)) : null,
    element("p", { class: "small" }, `row ${item.row}${item.candidate ? `, picture ${item.candidate + 1}` : ""} · ${item.row_id}${item.stratum ? ` · ${item.stratum}` : ""}`));
}

/// A small card with its buttons.
export function card(item, word, { keep, drop }) {
  const state = word ? word.word : "";
  return element("li", { class: `card ${state}` },
    element("div", { class: "two" }, image(item, "source", 320), image(item, "edited", 320)),
    element("div", { class: "said" },
      element("p", { class: "amount" }, amount(item), " ", badge(item)),
      element("p", { class: "instruction" }, item.instruction),
      element("p", { class: "small" }, `row ${item.row}${item.candidate ? `, picture ${item.candidate + 1}` : ""}`, " ", said(word)),
      element("p", { class: "buttons" },
        element("button", { type: "button", class: "keep", "aria-pressed": String(state === "keep"), "aria-label": `Keep row ${item.row}, picture ${item.candidate + 1}`, onclick: keep }, "Keep"),
        element("button", { type: "button", class: "drop", "aria-pressed": String(state === "drop"), "aria-label": `Drop row ${item.row}, picture ${item.candidate + 1}`, onclick: drop }, "Drop"))));
}

/// One of two edited pictures.
export function side(item, place, isBetter, choose) {
  return element("figure", { class: isBetter ? "better" : null },
    image(item, "edited"),
    element("figcaption", {},
      element("button", { type: "button", class: "keep", "aria-pressed": String(isBetter), onclick: choose }, `This one is better (${place})`)));
}

export const source = (item) => element("figure", {}, image(item, "source"), element("figcaption", {}, "Source"));
