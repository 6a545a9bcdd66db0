// One row for each control of the tree, by its kind alone.

import {element, setAttribute} from "./dom.js";
import {makeFader, makeNumber} from "./fader.js";
import {leafOf} from "./format.js";

const ROW_CLASSES = {number: "with-fader", whole: "with-fader", switch: "with-switch", text: "with-text", action: "with-action"};

export function makeRow(control, label, context) {
  const row = element("div", {
    class: `row ${control.restarts ? "with-text" : ROW_CLASSES[control.kind]}`, "data-path": control.path, "data-leaf": leafOf(control.path),
    "data-learnable": control.midi ? "" : null,
  });
  const name = element("span", {class: "label", title: control.description}, label);
  if (control.kind !== "action") row.append(name);
  row.append(makeWidget(control, label, context));
  return row;
}

export function makeWidget(control, label, {store, api, onProblem}) {
  if (control.kind === "switch") return makeSwitch(control, label, store);
  if (control.kind === "action") return makeAction(control, label, api, onProblem);
  if (control.kind === "text") return control.choices.length ? makeMenu(control, label, store) : makeText(control, label, store);
  // A fader would open the audio device anew at every step of its way.
  if (control.restarts) return makeNumber(control, label, store);
  return makeFader(control, label, store).node;
}

export function makeSwitch(control, label, store, text = "") {
  const button = element("button", {
    type: "button", role: "switch", class: "switch", "data-leaf": leafOf(control.path), "aria-label": label,
    title: control.description, onclick: () => store.change(control.path, !store.value(control.path)),
  }, text);
  store.watch(control.path, (value) => {
    setAttribute(button, "aria-checked", Boolean(value));
    if (!text) button.textContent = value ? "on" : "off";
  });
  return button;
}

export function makeMenu(control, label, store) {
  const menu = element("select", {"aria-label": label, title: control.description});
  const fill = () => {
    menu.replaceChildren(...control.choices.map((choice) => element("option", {value: choice}, choice || "default")));
    showChoice(menu, store.value(control.path));
  };
  fill();
  store.watchChoices(control.path, fill);
  store.watch(control.path, (value) => {
    showChoice(menu, value);
    menu.removeAttribute("aria-busy");
  });
  menu.addEventListener("change", () => {
    if (control.choices_of) menu.setAttribute("aria-busy", "true");
    store.change(control.path, menu.value);
  });
  return menu;
}

// What plays may have a name that the library does not have any more.
function showChoice(menu, value) {
  if (![...menu.options].some((option) => option.value === value)) {
    menu.append(element("option", {value}, value || "–"));
  }
  menu.value = value;
}

function makeText(control, label, store) {
  const input = element("input", {type: "text", "aria-label": label, title: control.description, placeholder: "default"});
  store.watch(control.path, (value) => {
    if (document.activeElement !== input) input.value = value;
  });
  input.addEventListener("change", () => store.change(control.path, input.value.trim()));
  return input;
}

function makeAction(control, label, api, onProblem) {
  const act = () => api.request("POST", `/tree${control.path}`).catch(onProblem);
  return element("button", {type: "button", class: "action", title: control.description, onclick: act}, label);
}
