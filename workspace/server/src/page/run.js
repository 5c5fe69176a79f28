// One run: followed while it is carried out, compared, picked from, gone on from.
import { Refused, call, events, isFinal, json, mayAsk } from "./api.js";
import { Sheet } from "./cards.js";
import { Compare } from "./compare.js";
import { Composer, cancel } from "./compose.js";
import { $, announce, make, prefersStill, save, say } from "./dom.js";
import { chain, onward, tree } from "./lineage.js";
import { Shelf } from "./pictures.js";
import { RunState } from "./state.js";
import { figure, isOver, isWritten, name, rewritten, seconds, spending, standing, trouble } from "./words.js";

/// The shortest and the longest that is waited until a server is tried again.
const [SOON, LATE] = [500, 10_000];

export class RunView {
  constructor({ open, notice, reword }) {
    Object.assign(this, { open, notice, reword, run: null, gone: new AbortController(), drawing: false, shelf: new Shelf(400), order: null });
    this.compare = new Compare({ changed: () => this.chosen() });
    this.sheet = new Sheet($("#sheet"), { shelf: this.shelf, show: (id) => this.show(id), link: (id) => this.link(id) });
    const form = $("#go-on");
    form.append($("#new .fields").cloneNode(true));
    this.composer = new Composer(form, {
      source: () => (this.compare.right === null ? null : { run: this.run.id, candidate: this.compare.right }),
      begun: (status) => this.open(status.id),
    });
    $("#order").addEventListener("change", (event) => { this.order = event.target.value; this.draw(); });
    $("#cancel").addEventListener("click", () => this.cancel());
    $("#reword").addEventListener("click", () => this.sayAgain());
    $("#pick").addEventListener("click", () => this.pick());
    $("#refine").addEventListener("click", () => this.unfold($("#go-on").hidden));
    $("#trace").addEventListener("click", () => this.keepTrace());
    for (const button of document.querySelectorAll(".downloads button")) button.addEventListener("click", () => this.keep(button.dataset.format));
  }

  link(candidate) { return `#run=${this.run.id}&candidate=${candidate}`; }

  /// Shows a run, or another candidate of the one that is shown.
  async enter(id, candidate) {
    if (this.run?.id === id) {
      if (candidate !== null && this.run.candidates.has(candidate)) this.compare.show(candidate);
      return;
    }
    this.leave();
    const gone = new AbortController();
    Object.assign(this, { gone, run: new RunState(id), order: null });
    this.blank();
    try {
      await this.refresh(gone.signal);
    } catch (error) {
      if (gone.signal.aborted) return;
      if (!isFinal(error)) { this.notice(trouble(error)); this.follow(gone.signal, candidate); return; }
      this.absent(error);
      return;
    }
    this.begin(candidate);
    if (!isOver(this.run.state)) this.follow(gone.signal, candidate);
  }

  begin(candidate) {
    const has = candidate !== null && this.run.candidates.get(candidate)?.hasPicture;
    this.compare.open(this.run, has ? candidate : null);
    this.compare.update();
    this.began = true;
    this.around();
  }

  blank() {
    this.began = false;
    this.sheet.clear();
    this.unfold(false, false);
    $("#run").classList.remove("void");
    for (const id of ["#chain", "#onward", "#lineage", "#cancel", "#reword", "#progress", "#actions"]) $(id).hidden = true;
    for (const id of ["#title", "#words", "#meter", "#stage-error"]) say($(id), "");
    $("#recipe").open = false;
    $("#title").focus({ preventScroll: true });
    scrollTo(0, 0);
  }

  absent(error) {
    $("#run").classList.add("void");
    document.title = "Not found · editscale";
    say($("#title"), error.status === 404 ? "There is no such run" : "This run cannot be shown");
    say($("#words"), trouble(error));
    if (error.status === 401) this.notice("This server needs an API key.", { words: "Enter the key", act: () => { mayAsk(); const { id } = this.run; this.run = null; this.enter(id, null); } });
  }

  leave() {
    this.gone.abort();
    this.compare.close();
    this.shelf.clear();
    this.sheet.clear();
    this.run = null;
    this.notice("");
  }

  async refresh(signal) {
    const detail = await json(`v1/runs/${encodeURIComponent(this.run.id)}`, { signal, cache: "no-store" });
    this.run.merge(detail);
    if (isOver(this.run.state)) this.run.settle();
    this.draw();
  }

  /// Follows the run to its end, through whatever befalls the server.
  async follow(signal, candidate) {
    let [last, wait] = [null, SOON];
    while (!signal.aborted) {
      try {
        for await (const event of events(`v1/runs/${encodeURIComponent(this.run.id)}/events`, last, signal)) {
          if (event.name === "open") {
            // What happened before the stream was open stands in the trace.
            await this.refresh(signal);
            if (!this.began) this.begin(candidate);
            this.notice("");
            wait = SOON;
            if (isOver(this.run.state)) { this.conclude(); return; }
          } else {
            last = event.id ?? last;
            this.take(event);
            if (event.name === "ended" && isOver(this.run.state)) { await this.end(signal); return; }
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        if (isFinal(error)) { this.notice(trouble(error)); return; }
        // The server may be another when it is back, and count its events from the beginning.
        if (!(error instanceof Refused)) last = null;
      }
      if (signal.aborted) return;
      this.notice("The connection to the server is lost. Trying again…");
      await new Promise((resolve) => { setTimeout(resolve, wait); });
      wait = Math.min(2 * wait, LATE);
    }
  }

  take({ name: kind, data }) {
    const words = this.run.apply(kind, data);
    if (words) announce(words);
    if (["edited", "best", "ended", "scored"].includes(kind)) this.moved = true;
    this.draw();
  }

  async end(signal) {
    // The verdict and the ledger stand in the trace.
    await this.refresh(signal);
    this.conclude();
  }

  conclude() {
    this.compare.update();
    this.draw();
    announce(standing(this.run));
    this.around();
  }

  /// Where the run came from, and what went on from it.
  async around() {
    const { run } = this;
    await Promise.allSettled([chain(run, this.shelf, this.gone.signal), onward(run, this.gone.signal)]);
  }

  /// Draws once before the next frame, however much has happened.
  draw() {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      if (this.run && this.run.state !== null) this.paint();
    });
  }

  paint() {
    const { run } = this;
    if (this.moved && this.began) { this.moved = false; this.compare.update(); }
    const title = $("#title");
    say(title, run.instruction);
    title.classList.toggle("long", run.instruction.length > 120);
    document.title = `${run.instruction.slice(0, 80)} · editscale`;
    say($("#words"), standing(run));
    $("#words").classList.toggle("bad", run.state === "failed");
    const isOpen = !isOver(run.state);
    $("#cancel").hidden = !isOpen;
    $("#reword").hidden = run.state !== "failed";
    this.progress(isOpen);
    say($("#meter"), spending(run));
    const order = this.order ?? (isOpen ? "asked" : "best");
    $("#order").value = order;
    this.sheet.update(run, this.compare, order);
    $(".order").hidden = [...run.candidates.values()].filter((one) => one.failure === null).length < 2;
    this.spent();
    this.facts();
    tree(run, (id) => this.link(id));
  }

  progress(isOpen) {
    const all = [...this.run.candidates.values()];
    const bar = $("#progress");
    bar.hidden = !isOpen || all.length === 0;
    bar.max = Math.max(1, all.length);
    bar.value = all.filter((one) => one.scores !== null || one.failure !== null).length;
  }

  spent() {
    const { spent, rounds, draw, candidates } = this.run;
    const failed = [...candidates.values()].filter((one) => one.failure !== null).length;
    const rows = [
      ["Edits", spent?.edits ?? 0], [isWritten(this.run) ? "Judgements and critiques" : "Judgements", spent?.reward_calls ?? 0],
      rounds === null ? null : ["Rounds", rounds],
      failed ? ["Failed", failed] : null, ["Active time", seconds(spent?.wall_secs ?? 0)],
      spent?.nfe ? ["Denoiser evaluations", spent.nfe] : null, spent?.tokens ? ["Tokens", spent.tokens] : null,
      spent?.usd ? ["Money", `$${spent.usd.toFixed(4)}`] : null,
      draw ? ["Effective sample size", draw.effective_sample_size.toFixed(2)] : null,
    ].filter(Boolean);
    $("#spent").replaceChildren(...rows.map(([words, value]) => make("div", {}, make("dt", {}, words), make("dd", {}, String(value)))));
  }

  facts() {
    const { run } = this;
    const made = run.isDamaged ? `Recipe ${run.recipe}` : `Source ${run.sourceName}, recipe ${run.recipe}, seed ${run.seed}`;
    const lines = [made, `Run ${run.id}, begun ${new Date(run.created * 1000).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" })}`, ...rewritten(run)];
    const said = lines.join("\n");
    const list = $("#facts");
    if (list.dataset.said !== said) { list.dataset.said = said; list.replaceChildren(...lines.map((line) => make("li", {}, line))); }
    say($("#recipe pre"), run.recipeText);
  }

  /// A person chose this candidate's picture.
  show(id) {
    this.compare.show(id);
    history.replaceState(null, "", this.link(id));
    const frame = $("#frame");
    const { top, bottom } = frame.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight + 80) frame.scrollIntoView({ behavior: prefersStill() ? "auto" : "smooth", block: "nearest" });
    announce(`${name(id)} is shown in the comparison`);
  }

  /// What is compared has changed.
  chosen() {
    const { run } = this;
    const id = this.compare.right;
    const one = id === null ? null : run.candidates.get(id);
    $("#actions").hidden = !one?.hasPicture;
    if (!one) { this.unfold(false, false); this.draw(); return; }
    const isPicked = run.picked === id;
    say($("#pick"), isPicked ? `${name(id)} is your pick` : `Pick ${name(id)}`);
    $("#pick").setAttribute("aria-pressed", String(isPicked));
    say($("#refine"), `Go on from ${name(id)}`);
    say($("#download-title"), `Download ${name(id)}`);
    say($("#go-on h2"), `Go on from ${name(id)}${typeof one.utility === "number" ? `, which has ${figure(one.utility)}` : ""}`);
    this.draw();
  }

  unfold(isOpen, moves = true) {
    $("#go-on").hidden = !isOpen;
    $("#refine").setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return;
    this.composer.offer(this.run.recipe);
    if (!moves) return;
    $("#go-on textarea").focus({ preventScroll: true });
    $("#go-on").scrollIntoView({ behavior: prefersStill() ? "auto" : "smooth", block: "nearest" });
  }

  /// Does something that a person asked for, and says why where it cannot be done.
  async attempt(button, work) {
    const error = $("#stage-error");
    say(error, "");
    mayAsk();
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    try { await work(); } catch (why) { say(error, trouble(why)); } finally { button.removeAttribute("aria-busy"); }
  }

  cancel() {
    return this.attempt($("#cancel"), async () => {
      const { run } = this;
      run.status(await (await cancel(run.id)).json());
      announce("Cancelling");
      this.draw();
    });
  }

  pick() {
    return this.attempt($("#pick"), async () => {
      const { run } = this;
      const id = this.compare.right;
      const body = JSON.stringify({ candidate: id });
      run.status(await json(`v1/runs/${encodeURIComponent(run.id)}/picked`, { method: "PUT", body, headers: { "content-type": "application/json" } }));
      announce(`${name(id)} is your pick`);
      this.compare.settle();
    });
  }

  keep(format) {
    return this.attempt($(`.downloads [data-format=${format}]`), async () => {
      const { run } = this;
      const id = this.compare.right;
      const answer = await call(`v1/runs/${encodeURIComponent(run.id)}/candidates/${id}/image?format=${format}`);
      save(await answer.blob(), `${this.stem()}-${id}.${format === "jpeg" ? "jpg" : format}`);
    });
  }

  /// The same picture with other words, where nothing came of these.
  sayAgain() {
    return this.attempt($("#reword"), async () => {
      const { run } = this;
      const blob = await (await call(`v1/runs/${encodeURIComponent(run.id)}/source`)).blob();
      this.reword(new File([blob], run.sourceName, { type: blob.type }), run.instruction);
    });
  }

  keepTrace() {
    return this.attempt($("#trace"), async () => {
      const answer = await call(`v1/runs/${encodeURIComponent(this.run.id)}/trace`, { cache: "no-store" });
      save(await answer.blob(), `${this.stem()}-trace.json`);
    });
  }

  stem() { return `${this.run.sourceName.replace(/\.[^.]*$/, "")}-${this.run.id}`; }
}

