// Pictures, fetched with the key and shown as blobs, which are let go of when they are not needed any more.
import { call } from "./api.js";

/// A browser has six connections to a server: one follows the run, and one is left for what a person does.
const AT_ONCE = 4;

let busy = 0;
const queue = [];

function next() {
  while (busy < AT_ONCE && queue.length) {
    busy += 1;
    queue.shift()().finally(() => { busy -= 1; next(); });
  }
}

/// Pictures by their address, at most so many at a time.
export class Shelf {
  constructor(most) {
    this.most = most;
    this.kept = new Map();
    this.gone = new AbortController();
  }

  /// The blob's address. `first`: before all that waits.
  get(path, first = false) {
    const known = this.kept.get(path);
    if (known) {
      // The latest use comes last.
      this.kept.delete(path);
      this.kept.set(path, known);
      return known;
    }
    const { signal } = this.gone;
    const url = new Promise((resolve, reject) => {
      const work = async () => {
        try {
          signal.throwIfAborted();
          const blob = await (await call(path, { signal })).blob();
          signal.throwIfAborted();
          resolve(URL.createObjectURL(blob));
        } catch (error) { reject(error); }
      };
      if (first) queue.unshift(work); else queue.push(work);
      next();
    });
    url.catch(() => this.kept.delete(path));
    this.kept.set(path, url);
    for (const old of this.kept.keys()) {
      if (this.kept.size <= this.most) break;
      this.drop(old);
    }
    return url;
  }

  drop(path) {
    this.kept.get(path)?.then((url) => URL.revokeObjectURL(url), () => {});
    this.kept.delete(path);
  }

  /// Lets go of all.
  clear() {
    this.gone.abort();
    this.gone = new AbortController();
    for (const path of [...this.kept.keys()]) this.drop(path);
  }
}

export const sourceOf = (run, width) => `v1/runs/${encodeURIComponent(run)}/source${width ? `?width=${width}` : ""}`;

export const candidateOf = (run, id, width) =>
  `v1/runs/${encodeURIComponent(run)}/candidates/${id}/image${width ? `?width=${width}` : ""}`;

/// One of three widths, so that copies are found again.
export function widthFor(element) {
  const wanted = element.clientWidth * Math.min(devicePixelRatio, 2);
  return [800, 1600].find((width) => width >= wanted) ?? 2400;
}
