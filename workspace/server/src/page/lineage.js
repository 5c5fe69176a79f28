// Which picture came from which: inside of a run, and from run to run.
import { json } from "./api.js";
import { $, make } from "./dom.js";
import { candidateOf, sourceOf } from "./pictures.js";
import { ahead, figure, name, origin } from "./words.js";

/// A longer past than this is cut.
const FURTHEST = 12;

/// Deeper nesting than this is drawn flat, so that a narrow screen holds it.
const DEEPEST = 8;

/// The candidates of a run as a tree. Nothing where no candidate has a parent.
export function tree(run, link) {
  const section = $("#lineage");
  const all = [...run.candidates.values()];
  section.hidden = all.every((one) => one.parent === null);
  const word = ahead(run);
  const said = section.hidden ? "" : JSON.stringify([run.best, word, run.picked, all.map((one) => [one.id, one.parent, one.edge, one.utility, one.failure !== null, one.hasPicture])]);
  if (section.dataset.said === said) return;
  section.dataset.said = said;
  const children = Map.groupBy(all, (one) => one.parent);
  const marks = (one) => [run.best === one.id ? word : null, run.picked === one.id ? "picked" : null].filter(Boolean);
  const branch = (parent, depth) => {
    const members = children.get(parent) ?? [];
    if (!members.length) return null;
    // A parent is always older than its children, so that this ends.
    const below = (one) => (parent === null || parent < one.id ? branch(one.id, depth + 1) : null);
    return make("ul", { class: depth > DEEPEST ? "flat" : null }, members.map((one) => make("li", {}, leaf(one, marks(one), link), below(one))));
  };
  $(".tree", section).replaceChildren(...[section.hidden ? null : branch(null, 0)].filter(Boolean));
}

function leaf(one, marks, link) {
  const worth = one.failure ? "failed" : figure(one.utility);
  const from = one.parent === null ? origin(one.edge, null) : `${origin(one.edge, "")} ${name(one.parent)}`;
  const words = ` ${[from, worth, ...marks].join(" · ")}`;
  const label = one.hasPicture ? make("a", { href: link(one.id), class: marks.length ? "won" : null }, name(one.id)) : name(one.id);
  return make("span", { class: "leaf" }, label, make("span", {}, words));
}

/// The runs that this one goes on from, the first one first.
export async function chain(run, shelf, signal) {
  const [bar, list] = [$("#chain"), $("#chain ol")];
  const steps = [];
  let [next, first] = [run.continues, run];
  while (next && steps.length < FURTHEST) {
    const [id, candidate] = split(next);
    const { trace } = await json(`v1/runs/${encodeURIComponent(id)}`, { signal }).catch(() => ({ trace: null }));
    if (!trace) break;
    steps.unshift({ id, candidate, instruction: trace.instruction });
    [next, first] = [trace.continues, { id, sourceName: trace.source_name }];
  }
  if (signal.aborted) return;
  const begun = crumb(shelf, sourceOf(first.id, 160), first.sourceName, `#run=${first.id}`);
  const past = steps.map(({ id, candidate, instruction }) => crumb(shelf, candidateOf(id, candidate, 160), `${name(candidate)}: ${instruction}`, `#run=${id}&candidate=${candidate}`));
  list.replaceChildren(begun, ...past, make("li", { "aria-current": "page" }, make("span", { class: "words" }, run.instruction)));
  bar.hidden = steps.length === 0;
}

function crumb(shelf, path, words, href) {
  const picture = make("img", { alt: "" });
  shelf.show(picture, path).catch(() => picture.remove());
  return make("li", {}, make("a", { href }, picture, make("span", { class: "words" }, words)));
}

const split = (continues) => {
  const at = continues.lastIndexOf(":");
  return [continues.slice(0, at), Number(continues.slice(at + 1))];
};

/// The runs that go on from this one.
export async function onward(run, signal) {
  const { data } = await json("v1/runs?limit=200", { signal, cache: "no-store" });
  const later = data.filter((each) => each.continues && split(each.continues)[0] === run.id);
  if (signal.aborted) return;
  $("#onward").hidden = later.length === 0;
  $("#onward ul").replaceChildren(...later.map((each) => make("li", {}, make("a", { href: `#run=${each.id}` }, each.instruction || each.id), ` from ${name(split(each.continues)[1])}`)));
}
