// What there is once: output, device and log from the tree; sessions and recordings.

import {confirmed} from "./ask.js";
import {element, setText} from "./dom.js";
import {labelsOf} from "./format.js";
import {makeRow} from "./widgets.js";
import {toast} from "./toast.js";

// In the header, where a hand finds it.
const ELSEWHERE = ["/panic"];

export function treePanels(context) {
  const {store} = context;
  const once = store.leaves("").filter(({path}) => !ELSEWHERE.includes(path));
  const names = store.containers("").filter((name) => name !== "track");
  const panels = names.map((name) => panel(name, store.under(`/${name}`), `/${name}`, context));
  for (const each of panels) suggestDevices(each, context);
  return [panel("output", once, "", context), ...panels];
}

// Where a device is named, those that there are can be chosen; to look for them takes a second.
function suggestDevices(panel, {api}) {
  const fields = Object.entries(SUGGESTED).flatMap(([path, namesOf]) =>
    [...panel.querySelectorAll(`[data-path="${path}"] input`)].map((input) => ({input, namesOf, list: element("datalist", {id: `names-of${path}`})})));
  for (const {input, list} of fields) {
    input.setAttribute("list", list.id);
    input.after(list);
  }
  if (fields.length === 0) return;
  panel.addEventListener("toggle", async () => {
    const apis = panel.open ? await api.get("/devices").catch(() => []) : [];
    for (const {list, namesOf} of fields) list.replaceChildren(...[...new Set(namesOf(apis))].map((value) => element("option", {value})));
  });
}

const devicesOf = (apis, channels) => apis.flatMap(({devices}) => devices.filter((device) => device[channels] > 0).map(({name}) => name));
const SUGGESTED = {
  "/device/host_api": (apis) => apis.map(({host_api}) => host_api),
  "/device/input": (apis) => devicesOf(apis, "inputs"),
  "/device/output": (apis) => devicesOf(apis, "outputs"),
};

function panel(title, controls, root, context) {
  const labels = labelsOf(controls, root);
  return element("details", {class: "group", open: root === ""}, element("summary", {}, element("h3", {}, title)),
    element("div", {class: "rows"}, ...controls.map((control) => makeRow(control, labels.get(control.path), context))));
}

export class Sessions {
  constructor({api, onProblem, reload}) {
    Object.assign(this, {api, onProblem, reload});
    this.list = element("ul", {class: "names"});
    this.name = element("input", {type: "text", "aria-label": "Name of the session", placeholder: "name", maxlength: 64});
    const form = element("form", {class: "save"}, this.name, element("button", {type: "submit"}, "save"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save(this.name.value.trim());
    });
    this.node = element("details", {class: "group"}, element("summary", {}, element("h3", {}, "sessions")),
      element("div", {class: "rows"}, form, this.list));
    this.node.addEventListener("toggle", () => this.node.open && this.load());
  }

  async load() {
    try {
      const sessions = await this.api.get("/sessions");
      this.list.replaceChildren(...sessions.map(({name}) => this.item(name)));
    } catch (problem) {
      this.onProblem(problem);
    }
  }

  item(name) {
    const load = element("button", {type: "button", class: "wide", onclick: () => this.restore(name)}, name);
    return element("li", {}, load);
  }

  async save(name) {
    if (!name) return this.name.focus();
    const exists = [...this.list.querySelectorAll("button")].some((button) => button.textContent === name);
    if (exists && !(await confirmed(`Replace “${name}”?`))) return;
    await this.act("POST", "/sessions", `saved “${name}”`, {name, replace: exists});
    this.load();
  }

  async restore(name) {
    await this.act("POST", `/sessions/${encodeURIComponent(name)}/load`, `loaded “${name}”`);
    this.reload();
  }

  async act(method, path, said, body) {
    try {
      await this.api.request(method, path, body);
      toast(said, "good");
    } catch (problem) {
      this.onProblem(problem);
    }
  }
}
