// Panels that stand in the place of a view, and the parts that several views share.

import { button, field, h, icon } from "./dom.js";
import { folderOf, lastOf, listAddress, secretAddress } from "./route.js";

export const unknownPanel = () =>
  h(
    "section",
    { class: "panel" },
    h("h1", {}, "There is no such page"),
    h("p", {}, h("a", { href: "#/" }, "All secrets")),
  );

/** Say that something is forbidden, and what may still be possible. */
export function deniedPanel(text, { inView = false, further = [] } = {}) {
  return h(
    "section",
    { class: "panel denied" },
    h(inView ? "h2" : "h1", {}, icon("lock"), "Permission denied"),
    h("p", {}, text),
    further,
  );
}

/** Return a form that opens a secret, or lists a folder, by its path: for who may not list everything. */
export function openByPath(store) {
  const path = h("input", { type: "text", autocomplete: "off", spellcheck: "false", autocapitalize: "none", required: true });
  const clean = () => path.value.trim().replace(/^\/+|\/+$/g, "");
  const open = (address) => {
    if (clean()) location.hash = address(store, clean());
  };
  return h(
    "form",
    {
      class: "open-by-path",
      onsubmit: (event) => {
        event.preventDefault();
        open(secretAddress);
      },
    },
    field("Path", path, { hint: "You may still be allowed to read single secrets, or to list folders." }),
    h(
      "div",
      { class: "actions start" },
      button("Open the secret", { kind: "primary", type: "submit" }),
      button("List the folder", { onclick: () => open(listAddress) }),
    ),
  );
}

/** Return the way from the store down to a path. */
export function breadcrumb(store, path, { isSecret = false } = {}) {
  const folder = isSecret ? folderOf(path) : path;
  const steps = [[store, listAddress(store)]];
  const parts = folder ? folder.split("/") : [];
  parts.forEach((part, index) => steps.push([part, listAddress(store, parts.slice(0, index + 1).join("/"))]));
  const links = steps.map(([label, href], index) =>
    h("li", {}, h("a", { href, "aria-current": !isSecret && index === steps.length - 1 ? "page" : null }, label)),
  );
  if (isSecret) links.push(h("li", {}, h("span", { "aria-current": "page" }, lastOf(path))));
  return h("nav", { class: "breadcrumb", "aria-label": "Folder" }, h("ol", {}, links));
}

/** Run something that a button starts; meanwhile the button is not pressed twice. */
export async function whileBusy(pressed, work) {
  pressed.disabled = true;
  pressed.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    pressed.disabled = false;
    pressed.removeAttribute("aria-busy");
  }
}
