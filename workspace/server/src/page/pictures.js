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

/// Pictures by their path, at most so many at a time.
export class Shelf {
  constructor(most) {
    this.most = most;
    this.kept = new Map();
    this.gone = new AbortController();
  }

  /// Shows a picture in an element, and hands out the element when the picture is there. `first`: before all that waits.
  async show(image, path, first = false) {
    const kept = this.keep(path, first);
    kept.waiting += 1;
    try {
      image.src = await kept.url;
      await image.decode();
      return image;
    } finally {
      kept.waiting -= 1;
      letGo(kept);
    }
  }

  keep(path, first) {
    let kept = this.kept.get(path);
    // The latest use comes last.
    if (kept) this.kept.delete(path);
    else kept = this.fetched(path, first);
    this.kept.set(path, kept);
    for (const old of this.kept.keys()) {
      if (this.kept.size <= this.most) break;
      this.drop(old);
    }
    return kept;
  }

  /// A picture on its way, and how many elements wait for it.
  fetched(path, first) {
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
    const kept = { url, waiting: 0, isDropped: false };
    url.catch(() => { if (this.kept.get(path) === kept) this.kept.delete(path); });
    return kept;
  }

  drop(path) {
    const kept = this.kept.get(path);
    this.kept.delete(path);
    kept.isDropped = true;
    letGo(kept);
  }

  /// Lets go of all.
  clear() {
    this.gone.abort();
    this.gone = new AbortController();
    for (const path of [...this.kept.keys()]) this.drop(path);
  }
}

/// Takes back the address of a picture that nobody wants any more, once every element that was given it has the picture: one that
/// is still loading would show nothing.
function letGo({ url, waiting, isDropped }) {
  if (isDropped && waiting === 0) url.then((address) => URL.revokeObjectURL(address), () => {});
}

export const sourceOf = (run, width) => `v1/runs/${encodeURIComponent(run)}/source${width ? `?width=${width}` : ""}`;

export const candidateOf = (run, id, width) =>
  `v1/runs/${encodeURIComponent(run)}/candidates/${id}/image${width ? `?width=${width}` : ""}`;

/// One of three widths, so that copies are found again.
export function widthFor(element) {
  const wanted = element.clientWidth * Math.min(devicePixelRatio, 2);
  return [800, 1600].find((width) => width >= wanted) ?? 2400;
}
