// The form that begins a run: of a picture, or from a candidate of an earlier run.
import { Refused, call, chance, json, mayAsk } from "./api.js";
import { $, make, say } from "./dom.js";
import { trouble } from "./words.js";

const isMac = /Mac|iP(hone|ad)/.test(navigator.platform);

let recipes = null;

/// The recipes that are served, each by its own name alone: a list; nothing where the server has no such list.
function served() {
  recipes ??= json("v1/models").then(({ data }) => data.filter((model) => !model.alias_of), (error) => {
    if (error instanceof Refused && error.status === 404) return null;
    recipes = null;
    return [];
  });
  return recipes;
}

export class Composer {
  /// `source()` is a `File`, or `{run, candidate}`, or nothing yet; `begun(status)` is told of what was accepted.
  constructor(form, { source, begun, missing }) {
    Object.assign(this, { form, source, begun, missing, sent: null });
    this.button = $(".primary", form);
    say($(".keys", form), isMac ? "or ⌘ Return" : "or Ctrl + Enter");
    form.addEventListener("submit", (event) => { event.preventDefault(); this.begin(); });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.begin(); }
    });
    form.addEventListener("change", () => this.describe());
    form.addEventListener("input", () => this.complain(""));
  }

  field(name) { return this.form.elements.namedItem(name); }

  /// Fills in the choice of recipes, once they are known.
  async offer(preferred) {
    const list = await served();
    const field = this.field("recipe");
    if (list === null) {
      if (field.tagName === "SELECT") field.replaceWith(make("input", { name: "recipe", placeholder: "the usual one", autocomplete: "off", spellcheck: "false" }));
      if (preferred) this.field("recipe").value = preferred;
      return;
    }
    if (list.length && field.tagName === "SELECT") {
      const chosen = field.value || preferred || list[0].id;
      field.replaceChildren(...list.map((model) => make("option", { value: model.id }, model.id)));
      this.about = new Map(list.map((model) => [model.id, model.about ?? model.description ?? ""]));
      if (this.about.has(chosen)) field.value = chosen;
    }
    this.describe();
  }

  describe() {
    say($(".about", this.form), this.about?.get(this.field("recipe").value) ?? "");
  }

  complain(text, field) {
    say($(".error", this.form), text);
    for (const each of this.form.elements) each.removeAttribute("aria-invalid");
    if (!field) return;
    field.closest("details")?.setAttribute("open", "");
    field.setAttribute("aria-invalid", "true");
    field.focus();
  }

  /// What is to be sent; nothing where something is missing, which is then said.
  fields() {
    const source = this.source();
    if (!source) { this.complain("Choose a picture first."); this.missing?.(); return null; }
    const instruction = this.field("instruction").value.trim();
    if (!instruction) { this.complain("Say what should change, for example “make it warmer”.", this.field("instruction")); return null; }
    const numbers = {};
    for (const [name, words] of [["seed", "a whole number from 0 to 9007199254740991"], ["edits", "a whole number of at least 1"]]) {
      const field = this.field(name);
      if (!field.validity.valid) { this.complain(`Expected ${words}.`, field); return null; }
      if (field.value !== "") numbers[name] = Number(field.value);
    }
    const recipe = this.field("recipe").value.trim();
    return {
      source,
      said: {
        // Line breaks are no part of an instruction.
        instruction: instruction.replace(/\s+/g, " "),
        ...(recipe ? { recipe } : {}),
        ...("seed" in numbers ? { seed: numbers.seed } : {}),
        ...("edits" in numbers ? { budget: { edits: numbers.edits } } : {}),
      },
    };
  }

  request({ source, said }) {
    if (!(source instanceof File)) {
      return { body: JSON.stringify({ from: source, ...said }), headers: { "content-type": "application/json" } };
    }
    const body = new FormData();
    body.append("image", source);
    for (const [name, value] of Object.entries(said)) body.append(name, typeof value === "string" ? value : JSON.stringify(value));
    return { body, headers: {} };
  }

  /// Under the same key as long as the same thing is sent, so that nothing is begun twice.
  keyFor({ source, said }) {
    const same = this.sent && this.sent.source === (source instanceof File ? source : JSON.stringify(source)) && this.sent.said === JSON.stringify(said);
    if (!same) this.sent = { source: source instanceof File ? source : JSON.stringify(source), said: JSON.stringify(said), key: chance() };
    return this.sent.key;
  }

  async begin() {
    if (this.button.disabled) return;
    const asked = this.fields();
    if (!asked) return;
    this.complain("");
    this.button.disabled = true;
    this.form.setAttribute("aria-busy", "true");
    mayAsk();
    try {
      const { body, headers } = this.request(asked);
      const status = await json("v1/runs", { method: "POST", body, headers: { ...headers, "idempotency-key": this.keyFor(asked) } });
      this.sent = null;
      this.begun(status);
    } catch (error) {
      this.complain(trouble(error), this.named(error.param));
    } finally {
      this.button.disabled = false;
      this.form.removeAttribute("aria-busy");
    }
  }

  /// The field that the server finds fault with.
  named(param) {
    const name = { prompt: "instruction", instruction: "instruction", seed: "seed", budget: "edits", recipe: "recipe", model: "recipe" }[param];
    return name ? this.field(name) : null;
  }
}

export const cancel = (run) => call(`v1/runs/${encodeURIComponent(run)}`, { method: "DELETE" });
