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
  return [panel("output", once, "", context),
    ...names.map((name) => panel(name, store.under(`/${name}`), `/${name}`, context))];
}

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
