// Elements made without markup: whatever comes from the server is text and stays text.

export const $ = (selector, within = document) => within.querySelector(selector);

/// An element with attributes (functions are listeners; nothing where they are null or false) and children.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/// Sets text only where it is another, so that screen readers are not told twice.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/// Tells a screen reader, at most every two seconds and then the latest only.
let pending = null;
let told = 0;
export function announce(text) {
  const live = $("#live");
  const wait = Math.max(0, told + 2000 - Date.now());
  clearTimeout(pending);
  pending = setTimeout(() => { told = Date.now(); live.textContent = text; }, wait);
}

/// Hands a file to the person.
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = make("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export const prefersStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
