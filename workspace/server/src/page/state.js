// What is known of a run: from its trace, and from its events, in whatever order they come and however often.

const candidate = (id) => ({
  id, round: 0, parent: null, edge: "fresh", editor: "", seed: 0, knobs: {}, stage: "asked", step: 0, steps: 0, hasPicture: false,
  failure: null, scores: null, utility: null, probability: null, notes: [], told: null, critique: null, secs: null,
});

export class RunState {
  constructor(id) {
    Object.assign(this, {
      id, state: null, message: null, recipe: "", created: 0, best: null, picked: null, instruction: "", sourceName: "", seed: 0,
      continues: null, reason: null, explanation: null, ranked: [], rounds: null, spent: null, draw: null, recipeText: "", rewriting: null, isDamaged: false, candidates: new Map(),
    });
  }

  one(id) {
    if (!this.candidates.has(id)) this.candidates.set(id, candidate(id));
    return this.candidates.get(id);
  }

  /// What `GET /v1/runs/{id}` says. The trace is nothing where the run's files were damaged.
  merge({ trace, ...status }) {
    this.status(status);
    this.best = status.best ?? this.best;
    Object.assign(this, { instruction: status.instruction, continues: status.continues, isDamaged: trace === null });
    if (trace === null) return;
    Object.assign(this, {
      instruction: trace.instruction, sourceName: trace.source_name, seed: trace.seed, continues: trace.continues, reason: trace.reason,
      explanation: trace.explanation, ranked: trace.ranked, rounds: trace.rounds, draw: trace.draw, recipeText: trace.recipe,
    });
    this.rewriting = trace.rewritings?.at(-1) ?? this.rewriting;
    this.spent = trace.ledger ?? this.spent;
    for (const form of trace.candidates) this.mergeOne(form);
  }

  status({ state, message, recipe, created, picked }) {
    Object.assign(this, { state, message, recipe, created, picked });
  }

  mergeOne(form) {
    const one = this.one(form.id);
    const { round, parent, edge, editor, seed, knobs } = form;
    Object.assign(one, { round, parent, edge, editor, seed, knobs, told: form.instruction ?? one.told });
    one.hasPicture ||= form.image !== null;
    one.failure = form.failure ?? one.failure;
    one.critique = form.critiques?.at(-1) ?? one.critique;
    if (Object.keys(form.scores).length) one.scores = form.scores;
    // The last word on utilities is the verdict's; until then the events have it.
    one.utility = form.utility ?? (this.reason === null ? one.utility : null);
    one.probability = form.selection_probability;
    if (one.failure) one.stage = "failed";
    else if (one.scores) one.stage = "scored";
    else if (one.hasPicture) one.stage = "made";
  }

  /// An event; the words for what it is good to tell a listener, if any.
  apply(name, data) {
    switch (name) {
      case "started": this.state = "running"; return "The run has begun";
      case "proposed": this.proposed(data); return null;
      case "editing": this.reach(data.candidate, "editing"); return null;
      case "step": Object.assign(this.reach(data.candidate, "editing"), { step: data.step, steps: data.steps }); return null;
      case "edited": Object.assign(this.reach(data.candidate, "made"), { hasPicture: true, secs: data.secs, notes: data.notes }); return null;
      case "scored": this.scored(data); return null;
      case "critiqued": Object.assign(this.one(data.candidate), { critique: data.critique ?? { failure: data.failure } }); this.spent = data.spent; return null;
      case "rewritten": Object.assign(this, { rewriting: data.critique ?? { failure: data.failure }, spent: data.spent }); return null;
      case "failed": Object.assign(this.reach(data.candidate, "failed"), { failure: data.failure }); this.spent = data.spent; return null;
      case "best": this.crowned(data); return `Candidate ${data.candidate} is the best so far`;
      case "ended": Object.assign(this, { state: data.state, message: data.message, best: data.best ?? this.best }); return null;
      default: return null;
    }
  }

  proposed({ round, candidates }) {
    for (const { id, parent, edge, editor, seed, instruction } of candidates) {
      Object.assign(this.one(id), { round, parent, edge, editor, seed, told: instruction ?? null });
    }
  }

  scored({ candidate: id, scores, utility, spent }) {
    const one = this.reach(id, "scored");
    one.scores = scores;
    if (typeof utility === "number") one.utility = utility;
    this.spent = spent;
  }

  crowned({ candidate: id, utility }) {
    this.best = id;
    this.one(id).utility = utility;
  }

  /// Stages only go on: an event may be told again.
  reach(id, stage) {
    const order = ["asked", "editing", "made", "scored", "failed"];
    const one = this.one(id);
    if (order.indexOf(stage) > order.indexOf(one.stage)) one.stage = stage;
    return one;
  }

  /// The end: what is not made will not be.
  settle() {
    for (const one of this.candidates.values()) if (["asked", "editing"].includes(one.stage)) one.stage = "over";
  }
}
