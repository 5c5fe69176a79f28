// A new edit: a picture that is chosen, dropped or pasted, what should change, and the runs that were.
import { json } from "./api.js";
import { Composer } from "./compose.js";
import { $, announce, make, say } from "./dom.js";
import { Shelf, candidateOf, sourceOf } from "./pictures.js";
import { isOver, short, when } from "./words.js";

/// How often the list is asked for while something in it changes.
const PACE = 3000;

export class Home {
  constructor({ open, leave, trouble }) {
    Object.assign(this, { open, trouble, picture: null, shelf: new Shelf(120), timer: null, isShown: false, shown: "" });
    const form = $("#new");
    this.input = $("input[type=file]", form);
    this.composer = new Composer(form, {
      source: () => this.picture,
      begun: (status) => this.open(status.id),
      missing: () => this.input.focus(),
    });
    this.input.addEventListener("change", () => { if (this.input.files.length) this.choose(this.input.files); });
    this.listen(leave);
  }

  /// Pictures may fall anywhere on the page, and be pasted anywhere.
  listen(leave) {
    let depth = 0;
    const brings = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    const mark = (change) => { depth = change === 0 ? 0 : Math.max(0, depth + change); document.body.classList.toggle("dropping", depth > 0); };
    addEventListener("dragenter", (event) => { if (brings(event)) { event.preventDefault(); mark(1); } });
    addEventListener("dragleave", (event) => { if (brings(event)) mark(-1); });
    addEventListener("dragover", (event) => { if (brings(event)) event.preventDefault(); });
    addEventListener("drop", (event) => {
      if (!brings(event)) return;
      event.preventDefault();
      mark(0);
      leave();
      this.choose(event.dataTransfer.files);
    });
    addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
      if (!files.length) return;
      event.preventDefault();
      leave();
      this.choose(files);
    });
  }

  choose(files) {
    const picture = [...files].find((file) => file.type.startsWith("image/")) ?? null;
    if (!picture) { this.composer.complain(`“${files[0]?.name ?? "that"}” is no picture.`); return; }
    this.picture = picture;
    this.composer.complain("");
    const [preview, invite, chosen] = [$("#preview"), $(".invite"), $(".chosen")];
    const url = URL.createObjectURL(picture);
    // A browser shows fewer formats than the server reads. Either way it needs the address no more.
    const shown = (isShown) => () => { preview.hidden = !isShown; URL.revokeObjectURL(url); };
    [preview.onload, preview.onerror] = [shown(true), shown(false)];
    preview.src = url;
    preview.alt = `The chosen picture, ${picture.name}`;
    invite.hidden = true;
    chosen.hidden = false;
    chosen.replaceChildren(make("strong", {}, picture.name), make("span", {}, "Choose another"));
    $("#drop").classList.add("filled");
    announce(`${picture.name} is chosen`);
    $("#new textarea").focus({ preventScroll: true });
  }

  /// Takes up a picture and what was to be done to it.
  take(picture, instruction) {
    this.composer.field("instruction").value = instruction;
    this.choose([picture]);
  }

  show() {
    this.isShown = true;
    document.title = "editscale";
    this.composer.offer();
    this.list();
  }

  hide() {
    this.isShown = false;
    clearTimeout(this.timer);
  }

  async list() {
    clearTimeout(this.timer);
    try {
      const { data } = await json("v1/runs?limit=60", { cache: "no-store" });
      if (!this.isShown) return;
      this.draw(data);
      if (data.some((run) => !isOver(run.state))) this.timer = setTimeout(() => this.list(), PACE);
    } catch (error) {
      if (this.isShown) this.trouble(error, () => this.show());
    }
  }

  draw(runs) {
    const shown = JSON.stringify(runs);
    if (shown === this.shown) return;
    this.shown = shown;
    $("#earlier-section").hidden = runs.length === 0;
    const list = $("#earlier");
    const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    list.replaceChildren(...runs.map((run) => this.entry(run)));
    if (focused) [...list.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
  }

  entry(run) {
    const picture = make("img", { alt: "", decoding: "async" });
    this.shelf.show(picture, this.pictureOf(run)).catch(() => {});
    const state = run.state === "done" ? "" : `${short(run.state)} · `;
    return make("li", {}, make("a", { href: `#run=${run.id}` },
      make("span", { class: "thumb" }, picture),
      make("strong", {}, run.instruction || run.id),
      make("span", { class: run.state === "failed" ? "state bad" : "state" }, `${state}${when(run.created)}`)));
  }

  pictureOf(run) {
    const id = run.picked ?? run.best ?? (run.state === "done" ? "best" : null);
    return id === null ? sourceOf(run.id, 320) : candidateOf(run.id, id, 320);
  }
}
