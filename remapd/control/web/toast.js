// Short words at the edge of the page, which go by themselves.

import {byId, element} from "./dom.js";

const SHOWN_MS = 6000;
const MOST = 4;

export function toast(text, kind = "info") {
  const region = byId("toasts");
  const last = region.lastElementChild;
  if (last?.firstChild?.textContent === text) last.remove();
  const close = element("button", {type: "button", class: "close", "aria-label": "Close"}, "×");
  const note = element("div", {class: `toast ${kind}`}, element("span", {}, text), close);
  close.addEventListener("click", () => note.remove());
  region.append(note);
  while (region.children.length > MOST) region.firstElementChild.remove();
  setTimeout(() => note.remove(), SHOWN_MS);
}
