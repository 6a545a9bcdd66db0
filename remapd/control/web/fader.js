// A fader: a native slider underneath, so that keys and screen readers work. A finger moves it relative to where it
// stands, so that touching it by mistake changes nothing; far above or below the fader the finger moves it finely.

import {element, setAttribute} from "./dom.js";
import {fromPosition, numberText, parseNumber, stepOf, toPosition, valueText} from "./format.js";

const FINE_DISTANCE_PX = 70;
const FINE = 0.2;
const LONG_STEP = 0.1;

export function makeFader(control, label, store) {
  const slider = element("input", {
    type: "range", min: 0, max: 1, step: stepOf(control), "aria-label": nameOf(control, label), title: control.description,
  });
  const mark = element("i", {class: "mark", "aria-hidden": "true"});
  const way = element("div", {class: "way"}, slider, mark);
  const set = (position) => store.change(control.path, fromPosition(control, position));
  store.watch(control.path, (value) => showPlace(control, slider, value));
  slider.addEventListener("input", () => set(Number(slider.value)));
  way.addEventListener("dblclick", () => store.change(control.path, control.default));
  slider.addEventListener("keydown", (event) => onKey(event, control, slider, store, set));
  moveByPointer(way, slider, control, store, set);
  return {node: element("div", {class: "fader"}, way, makeNumber(control, label, store)), mark};
}

// The value as a text that can be typed over, with its unit.
export function makeNumber(control, label, store) {
  const number = element("input", {
    type: "text", inputmode: "decimal", class: "number", "aria-label": `${nameOf(control, label)}, value`,
    title: control.description,
  });
  editByNumber(number, control, store);
  store.watch(control.path, (value) => {
    if (document.activeElement !== number) number.value = numberText(control, value);
  });
  return element("span", {class: "shown"}, number, unitOf(control));
}

const nameOf = (control, label) => (control.unit ? `${label}, ${control.unit}` : label);

const unitOf = (control) => (control.unit ? element("span", {class: "unit", "aria-hidden": "true"}, control.unit) : null);

function showPlace(control, slider, value) {
  const position = toPosition(control, value);
  slider.value = position;
  slider.style.setProperty("--position", position);
  slider.style.setProperty("--zero", zeroOf(control));
  setAttribute(slider, "aria-valuetext", valueText(control, value));
}

// Where the filled part begins: at zero where there is one within, else at the left end.
function zeroOf(control) {
  return control.curve !== "log" && control.minimum < 0 && control.maximum > 0 ? toPosition(control, 0) : 0;
}

function onKey(event, control, slider, store, set) {
  const position = Number(slider.value);
  if (event.key === "Delete" || event.key === "Backspace") store.change(control.path, control.default);
  else if (event.key === "PageUp") set(position + LONG_STEP);
  else if (event.key === "PageDown") set(position - LONG_STEP);
  else return;
  event.preventDefault();
}

// The slider itself gets no pointer: its own answer to a finger is to jump to it.
function moveByPointer(way, slider, control, store, set) {
  let drag = null;
  way.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    slider.focus({preventScroll: true, focusVisible: false});
    way.setPointerCapture(event.pointerId);
    store.hold(control.path);
    drag = {x: event.clientX, position: toPosition(control, store.value(control.path))};
    if (event.pointerType !== "touch" && !event.shiftKey) set((drag.position = placeOf(event, way)));
  });
  way.addEventListener("pointermove", (event) => {
    if (drag === null) return;
    const moved = (finenessOf(event, way) * (event.clientX - drag.x)) / way.clientWidth;
    drag = {x: event.clientX, position: Math.min(1, Math.max(0, drag.position + moved))};
    set(drag.position);
  });
  for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
    way.addEventListener(type, () => {
      drag = null;
      store.letGo(control.path);
    });
  }
}

function placeOf(event, way) {
  const box = way.getBoundingClientRect();
  return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
}

function finenessOf(event, way) {
  const box = way.getBoundingClientRect();
  const distance = Math.max(box.top - event.clientY, event.clientY - box.bottom);
  return event.shiftKey || distance > FINE_DISTANCE_PX ? FINE : 1;
}

function editByNumber(number, control, store) {
  const shown = () => numberText(control, store.value(control.path));
  number.addEventListener("focus", () => number.select());
  number.addEventListener("blur", () => (number.value = shown()));
  number.addEventListener("keydown", (event) => {
    if (event.key === "Escape") number.value = shown();
    if (event.key === "Enter") commit(number, control, store);
    if (event.key === "Enter" || event.key === "Escape") number.select();
  });
  number.addEventListener("change", () => commit(number, control, store));
}

function commit(number, control, store) {
  const value = parseNumber(number.value);
  if (value === null || numberText(control, store.value(control.path)) === number.value.trim()) return;
  store.change(control.path, control.kind === "whole" ? Math.round(value) : value);
}
