// Questions in a dialog of the page, which does not stop the meters as the browser's own would.

import {byId, setText} from "./dom.js";

export async function askName(title, name = "") {
  return (await ask(title, name)) ? byId("ask-name").value.trim() || null : null;
}

export const confirmed = (title) => ask(title, null);

function ask(title, name) {
  const [dialog, field] = [byId("ask"), byId("ask-name")];
  setText(byId("ask-title"), title);
  field.hidden = name === null;
  field.value = name ?? "";
  dialog.returnValue = "";
  dialog.showModal();
  if (name !== null) field.select();
  byId("ask-no").onclick = () => dialog.close("");
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), {once: true});
  });
}
