// What things are called.

export const name = (id) => `No. ${id}`;

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

export const figure = (value) => (typeof value === "number" ? value.toFixed(3) : "–");

export const plain = (word) => word.replaceAll("_", " ");

export function seconds(secs) {
  if (secs < 90) return `${secs.toFixed(1)} s`;
  const minutes = Math.floor(secs / 60);
  return `${minutes} min ${Math.round(secs - 60 * minutes)} s`;
}

export const isOver = (state) => ["done", "failed", "cancelled", "expired"].includes(state);

/// Where a candidate came from; `parent` is what its parent is called.
export function origin(edge, parent) {
  if (parent === null) return plain(edge);
  const words = { fresh: "fresh, after", re_edit: "a variation of", edit_of_edit: "edited from", resume: "continued from" };
  return words[edge] ?? `${plain(edge)} of`;
}

const REASONS = {
  target: "It ended because the target score was reached.",
  patience: "It ended because nothing better came.",
  finished: "All that was planned was done.",
  budget: "It ended because the budget was spent.",
  enough: "It ended because another candidate would bring less than it costs.",
};

/// The candidate with the highest utility, the first one of equals; nothing where none has any.
function highest(run) {
  const known = [...run.candidates.values()].filter((one) => typeof one.utility === "number");
  return known.reduce((best, one) => (best === null || one.utility > best.utility ? one : best), null);
}

const winner = (run) => (run.best === null ? undefined : run.candidates.get(run.best));

/// The word for the candidate that is ahead: who was drawn, selected or judged again in the end may be another than the best.
export function ahead(run) {
  const isOther = run.draw !== null || highest(run)?.utility > winner(run)?.utility;
  return isOver(run.state) && isOther ? "chosen" : "best";
}

/// Which candidate is ahead, in a sentence or two; nothing where none has a utility.
function found(run) {
  const [one, best, count] = [winner(run), highest(run), plural(run.candidates.size, "candidate")];
  if (typeof one?.utility !== "number") return "";
  const who = `${name(one.id)} with ${figure(one.utility)}.`;
  if (ahead(run) === "best") return `The best of ${count} is ${who}`;
  const other = best.utility > one.utility ? ` The highest score is that of ${name(best.id)}, ${figure(best.utility)}.` : "";
  return `${run.draw === null ? "Chosen" : "Drawn"} from ${count}: ${who}${other}`;
}

/// Where a run stands, in a sentence or two.
export function standing(run) {
  if (run.isDamaged) return "Its files were damaged or removed: what it made cannot be shown.";
  const all = [...run.candidates.values()];
  const judged = all.filter((one) => one.scores !== null || one.failure !== null).length;
  switch (run.state) {
    case "queued": return "It waits for its turn.";
    case "running": return all.length ? `Working: ${judged} of ${plural(all.length, "candidate")} judged.` : "Working.";
    case "done": return `${found(run)} ${run.reason === "stuck" && run.explanation ? `It ended early: ${run.explanation}.` : REASONS[run.reason] ?? ""}`.trim();
    case "failed": return `It failed: ${reason(run, all)}.`.replace(/\.\.$/, ".");
    case "cancelled": return `It was cancelled; what was made until then is here. ${found(run)}`.trim();
    case "expired": return `Its time ran out; what was made until then is here. ${found(run)}`.trim();
    case "paused": return "It is put aside because the server is ending, and goes on when the server is back.";
    default: return run.state ?? "";
  }
}

/// Why a run failed, without what the candidates say themselves.
function reason(run, all) {
  const said = all.find((one) => one.failure && run.message?.endsWith(`: ${one.failure.message}`));
  return said ? run.message.slice(0, -said.failure.message.length - 2) : run.message ?? "the server does not say why";
}

/// Whether a critic wrote about the request or any of its candidates: critiques are counted among the judgements.
export const isWritten = (run) => run.rewriting !== null || [...run.candidates.values()].some((one) => one.critique !== null);

/// What was spent so far, in a line.
export function spending(run) {
  const { spent } = run;
  if (!spent) return "";
  const calls = isWritten(run) ? `${spent.reward_calls} judgements and critiques` : plural(spent.reward_calls, "judgement");
  const parts = [plural(spent.edits, "edit"), calls, seconds(spent.wall_secs)];
  if (spent.usd) parts.push(`$${spent.usd.toFixed(2)}`);
  return parts.join(", ");
}

/// What a critic made of the request before anything was made; nothing where none was asked.
export function rewritten({ rewriting: said }) {
  if (!said) return [];
  if (said.failure) return [`The critic did not rewrite the instruction: ${said.failure.message}`];
  return [said.instruction ? `The critic rewrote the instruction: ${said.instruction}` : "The critic knew no better words for the instruction"];
}

const SHORT = { queued: "waiting", running: "working", paused: "put aside", expired: "out of time" };
export const short = (state) => SHORT[state] ?? state;

/// When something was, as people say it.
export function when(unix) {
  const secs = Math.round(unix - Date.now() / 1000);
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (secs > -60) return "just now";
  if (secs > -3600) return relative.format(Math.round(secs / 60), "minute");
  if (secs > -86_400) return relative.format(Math.round(secs / 3600), "hour");
  return new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" }).format(unix * 1000);
}

/// An error of a call, for people.
export function trouble(error) {
  if (error.status === 429) return `${sentence(error.message)} Try again in ${plural(error.after ?? 5, "second")}.`;
  if (error.status) return sentence(error.message);
  return "The server cannot be reached. Look whether it runs, and try again.";
}

function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
