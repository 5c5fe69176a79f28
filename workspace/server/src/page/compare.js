// Two pictures of a run under a slider; or beside each other where they are of different shapes.
import { $, make, say } from "./dom.js";
import { Shelf, candidateOf, sourceOf, widthFor } from "./pictures.js";
import { ahead, figure, name, trouble } from "./words.js";

const SOURCE = "source";

/// Shapes that differ by less are one picture, rounded differently.
const ALIKE = 0.015;

export class Compare {
  constructor({ changed }) {
    Object.assign(this, { changed, shelf: new Shelf(16), run: null, left: SOURCE, right: null, isChosen: false, drawn: "" });
    [this.slider, this.range, this.frame] = [$("#slider"), $("#slider input"), $("#frame")];
    [this.leftChoice, this.rightChoice] = [$("#left"), $("#right")];
    this.range.addEventListener("input", () => this.divide());
    this.leftChoice.addEventListener("change", () => { this.left = this.read(this.leftChoice); this.settle(); });
    this.rightChoice.addEventListener("change", () => this.show(this.read(this.rightChoice)));
  }

  read(choice) { return choice.value === SOURCE ? SOURCE : Number(choice.value); }

  open(run, candidate) {
    Object.assign(this, { run, left: SOURCE, right: candidate, isChosen: candidate !== null, drawn: "" });
    for (const image of this.slider.querySelectorAll("img")) image.removeAttribute("src");
    this.range.value = 50;
    // Until two pictures are there nothing can be moved between them.
    this.range.hidden = true;
    this.divide();
    this.settle();
  }

  close() {
    this.run = null;
    this.shelf.clear();
  }

  /// A person wants to see this one.
  show(candidate) {
    this.right = candidate;
    this.isChosen = true;
    this.settle();
  }

  /// The run has changed. Until a person chooses, the best is shown.
  update() {
    const best = this.run.picked ?? this.run.best;
    if (!this.isChosen && best !== null) this.right = best;
    this.settle();
  }

  settle() {
    this.choices();
    this.draw();
    this.changed();
  }

  choices() {
    const made = [...this.run.candidates.values()].filter((one) => one.hasPicture);
    const word = ahead(this.run);
    const marks = (id) => [id === this.run.best ? word : null, id === this.run.picked ? "picked" : null];
    const words = (one) => [name(one.id), typeof one.utility === "number" ? figure(one.utility) : null, ...marks(one.id)].filter(Boolean).join(" · ");
    const options = made.map((one) => [String(one.id), words(one)]);
    this.fill(this.leftChoice, [[SOURCE, "Source"], ...options], this.left);
    this.fill(this.rightChoice, options, this.right);
    $("#sides").hidden = options.length === 0;
  }

  fill(choice, options, value) {
    const said = JSON.stringify(options);
    if (choice.dataset.said !== said) {
      choice.dataset.said = said;
      choice.replaceChildren(...options.map(([key, words]) => make("option", { value: key }, words)));
    }
    choice.value = String(value);
  }

  called(side) { return side === SOURCE ? "Source" : name(side); }

  path(side) {
    const width = widthFor(this.frame);
    return side === SOURCE ? sourceOf(this.run.id, width) : candidateOf(this.run.id, side, width);
  }

  divide() {
    this.slider.style.setProperty("--at", `${this.range.value}%`);
    this.range.setAttribute("aria-valuetext", `${this.range.value} % ${this.called(this.left)}`);
  }

  async draw() {
    const wanted = `${this.run.id} ${this.left} ${this.right}`;
    if (wanted === this.drawn) {
      if (this.right === null && this.isPlaced) this.wait(this.expected());
      return;
    }
    this.drawn = wanted;
    this.isPlaced = false;
    const { left, right } = this;
    try {
      const pictures = await Promise.all([left, right ?? left].map((side) => this.shelf.show(new Image(), this.path(side), true)));
      if (this.drawn === wanted) this.place(pictures, left, right);
    } catch (error) {
      if (this.drawn !== wanted || error.name === "AbortError") return;
      this.drawn = "";
      this.wait(error.status === 404 ? "This picture is not kept any more." : trouble(error));
    }
  }

  place([before, after], left, right) {
    // The elements themselves, which have their pictures: an address may be let go of before another element has loaded it.
    for (const [image, side] of [[before, "before"], [after, "after"]]) {
      image.className = side;
      $(`.${side}`, this.slider).replaceWith(image);
    }
    before.alt = left === SOURCE ? "The source" : `Candidate ${left}`;
    after.alt = right === null ? "" : `Candidate ${right}`;
    const ratio = before.naturalWidth / before.naturalHeight;
    const other = after.naturalWidth / after.naturalHeight;
    this.isPlaced = true;
    this.slider.style.setProperty("--ratio", ratio);
    document.documentElement.style.setProperty("--shape", ratio);
    this.slider.classList.toggle("beside", right !== null && Math.abs(other / ratio - 1) > ALIKE);
    this.slider.classList.toggle("alone", right === null);
    this.range.hidden = right === null;
    this.range.setAttribute("aria-label", `How much of ${this.called(left)} is shown, from the left, before ${right === null ? "" : this.called(right)}`);
    say($(".tag.left", this.slider), this.called(left));
    say($(".tag.right", this.slider), right === null ? "" : this.called(right));
    this.wait(right === null ? this.expected() : "");
    this.divide();
  }

  expected() {
    return { failed: "", cancelled: "No candidate was made.", expired: "No candidate was made in time.", queued: "The first candidate comes when it is this run’s turn." }[this.run.state]
      ?? "The first candidate is on its way.";
  }

  wait(text) {
    const waiting = $("#waiting");
    waiting.hidden = text === "";
    say(waiting, text);
  }
}
