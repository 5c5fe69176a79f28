// What the server knows: items, verdicts, and how they come to words and comparisons.

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("the review does not answer; is `editscale curate review` still running? Nothing was taken down.");
  }
  const text = await answer.text();
  let body = null;
  try { body = JSON.parse(text); } catch { /* refused in plain words */ }
  if (!answer.ok) throw new Error(body?.error ?? text.trim());
  return body;
}

export const key = (row, candidate) => `${row}:${candidate}`;
export const pairKey = (row, a, b) => `${row}:${Math.min(a, b)}:${Math.max(a, b)}`;

export class Desk {
  items = [];
  words = new Map();
  compared = new Map();
  next = 0;

  async load() {
    const { title, who, items } = await ask("/api/items");
    this.items = items;
    await this.catchUp();
    return { title, who };
  }

  /// Verdicts that came since, of other reviewers too; how many.
  async catchUp() {
    const { next, verdicts } = await ask(`/api/verdicts?since=${this.next}`);
    this.next = next;
    verdicts.forEach((verdict) => this.enter(verdict));
    return verdicts.length;
  }

  enter({ row, candidate, verdict, than, who }) {
    const [one, two] = [key(row, candidate), than === undefined ? null : pairKey(row, candidate, than)];
    if (verdict === "better-than") this.compared.set(two, { better: candidate, who });
    else if (verdict !== "withdraw") this.words.set(one, { word: verdict, who });
    else if (two) this.compared.delete(two);
    else this.words.delete(one);
  }

  /// Takes a verdict down. When this returns, it is on the server's disk.
  async say(decided) {
    await ask("/api/verdicts", {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(decided),
    });
    await this.catchUp();
  }

  word(item) { return this.words.get(key(item.row, item.candidate)); }
  better(pair) { return this.compared.get(pairKey(pair[0].row, pair[0].candidate, pair[1].candidate)); }

  /// Each two edited pictures of a row, those next to each other by their scores.
  pairs(items) {
    const rows = new Map();
    for (const item of items) rows.set(item.row, [...(rows.get(item.row) ?? []), item]);
    return [...rows.values()].filter((row) => row.length > 1).flatMap((row) => {
      const ranked = [...row].sort((a, b) => (b.score ?? -Infinity) - (a.score ?? -Infinity));
      // Which stands first must not tell which has the higher score.
      return ranked.slice(1).map((item, place) => [ranked[place], item].sort((a, b) => a.candidate - b.candidate));
    });
  }
}
