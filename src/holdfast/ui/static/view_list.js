// The names in a folder, by folder or all that match; values are never in it.

import * as api from "./api.js";
import { button, confirm, count, h, icon, notice } from "./dom.js";
import { byName } from "./names.js";
import { breadcrumb, deniedPanel, openByPath } from "./panels.js";
import { lastOf, listAddress, newAddress, secretAddress } from "./route.js";

const ROWS_AT_FIRST = 300;

export async function listView(app, { store, path }, signal) {
  const stores = await api.readStores();
  const heading = [
    h("div", { class: "heading" }, h("h1", {}, "Secrets"), storeChoice(stores, store)),
    breadcrumb(store, path),
  ];
  let names;
  try {
    names = (await api.listNames(store, path)).sort(byName);
  } catch (error) {
    if (!(error instanceof api.Refused) || error.status !== 403) throw error;
    return h(
      "div",
      {},
      heading,
      deniedPanel("You may not list these names. Ask for this permission, with the action read:", {
        inView: true,
        further: [h("p", {}, h("code", {}, `dcos:secrets:list:${store}:/${path}`)), openByPath(store)],
      }),
    );
  }
  if (!names.length) return h("div", {}, heading, emptyPanel(store, path));
  return h("div", {}, heading, new List(app, store, path, names).element);
}

function storeChoice(stores, store) {
  if (stores.length < 2) return null;
  return h(
    "label",
    { class: "inline" },
    "Store ",
    h(
      "select",
      { onchange: (event) => (location.hash = listAddress(event.target.value)) },
      stores.map(({ name }) => h("option", { value: name, selected: name === store }, name)),
    ),
  );
}

function emptyPanel(store, path) {
  return h(
    "section",
    { class: "panel empty" },
    icon("key"),
    h("p", {}, path ? "There is nothing in this folder." : "There are no secrets yet."),
    newButton(store, path),
  );
}

const newButton = (store, path) =>
  h("a", { class: "button primary", href: newAddress(store, path) }, icon("plus"), h("span", {}, "New secret"));

class List {
  constructor(app, store, path, names) {
    this.app = app;
    this.store = store;
    this.path = path;
    this.names = names; // relative to the folder
    this.chosen = new Set();
    this.all = false;
    this.filter = h("input", {
      type: "search",
      placeholder: "Filter by a part of the path",
      "aria-label": "Filter by a part of the path",
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => this.show(),
    });
    this.every = h("input", { type: "checkbox", "aria-label": "Select all that are shown", onchange: () => this.chooseShown() });
    this.summary = h("span", { class: "summary", role: "status" });
    this.remove = button("Delete", { kind: "danger", drawing: "bin", onclick: () => this.deleteChosen() });
    this.rows = h("ul", { class: "rows", "aria-label": "Secrets" });
    this.more = button("Show all", {
      onclick: () => {
        this.all = true;
        this.show();
      },
    });
    this.element = h(
      "section",
      { class: "card" },
      h("div", { class: "toolbar" }, this.filter, newButton(store, path)),
      h("div", { class: "row head" }, this.every, this.summary, this.remove),
      this.rows,
      this.more,
    );
    this.show();
  }

  /** Return what is to be seen: folders and secrets of this folder, or all below that match. */
  entries() {
    const wanted = this.filter.value.toLowerCase();
    if (wanted) {
      return this.names
        .filter((name) => name.toLowerCase().includes(wanted))
        .map((name) => ({ name, below: [name] }));
    }
    const folders = new Map();
    const secrets = [];
    for (const name of this.names) {
      const slash = name.indexOf("/");
      if (slash < 0) secrets.push({ name, below: [name] });
      else {
        const folder = name.slice(0, slash + 1);
        if (!folders.has(folder)) folders.set(folder, { name: folder, below: [] });
        folders.get(folder).below.push(name);
      }
    }
    return [...folders.values(), ...secrets].sort((one, other) => {
      const isFolder = (entry) => entry.name.endsWith("/");
      return isFolder(other) - isFolder(one) || byName(one.name, other.name);
    });
  }

  show() {
    const entries = this.entries();
    const shown = this.all ? entries : entries.slice(0, ROWS_AT_FIRST);
    this.shown = shown;
    this.rows.replaceChildren(...shown.map((entry) => this.row(entry)));
    if (!entries.length) this.rows.append(h("li", { class: "row none" }, "No path has this in it."));
    this.more.hidden = shown.length === entries.length;
    this.more.querySelector("span").textContent = `Show all ${entries.length}`;
    this.showChosen();
  }

  row(entry) {
    const isFolder = entry.name.endsWith("/");
    const bare = isFolder ? entry.name.slice(0, -1) : entry.name;
    const path = this.path ? `${this.path}/${bare}` : bare;
    const box = h("input", {
      type: "checkbox",
      "aria-label": `Select ${entry.name}`,
      onchange: () => {
        for (const name of entry.below) box.checked ? this.chosen.add(name) : this.chosen.delete(name);
        this.showChosen();
      },
    });
    entry.box = box;
    return h(
      "li",
      { class: "row" },
      box,
      icon(isFolder ? "folder" : "key"),
      h("a", { href: isFolder ? listAddress(this.store, path) : secretAddress(this.store, path) }, this.marked(entry.name)),
      isFolder
        ? h("span", { class: "amount" }, count(entry.below.length, "secret"))
        : button(`Delete ${entry.name}`, { drawing: "bin", bare: true, onclick: () => this.delete([entry.name]) }),
    );
  }

  /** Return a name with the part that was asked for made visible. */
  marked(name) {
    const wanted = this.filter.value.toLowerCase();
    const at = wanted ? name.toLowerCase().indexOf(wanted) : -1;
    if (at < 0 || name.toLowerCase().length !== name.length) return [name];
    return [name.slice(0, at), h("mark", {}, name.slice(at, at + wanted.length)), name.slice(at + wanted.length)];
  }

  showChosen() {
    for (const { box, below } of this.shown) {
      const chosen = below.filter((name) => this.chosen.has(name)).length;
      box.checked = chosen === below.length;
      box.indeterminate = chosen > 0 && chosen < below.length;
    }
    const chosen = this.chosen.size;
    this.every.checked = this.shown.length > 0 && this.shown.every(({ box }) => box.checked);
    this.every.indeterminate = !this.every.checked && chosen > 0;
    this.remove.hidden = chosen === 0;
    this.summary.textContent = chosen
      ? `${chosen} of ${count(this.names.length, "secret")} selected`
      : count(this.names.length, "secret");
  }

  chooseShown() {
    for (const name of this.shown.flatMap(({ below }) => below)) {
      this.every.checked ? this.chosen.add(name) : this.chosen.delete(name);
    }
    this.showChosen();
  }

  deleteChosen() {
    return this.delete([...this.chosen].sort(byName));
  }

  async delete(names) {
    const paths = names.map((name) => (this.path ? `${this.path}/${name}` : name));
    if (!(await confirmDeletion(paths))) return;
    const failures = [];
    for (const path of paths) {
      try {
        await api.deleteSecret(this.store, path);
      } catch (error) {
        failures.push(`${path}: ${error.message}`);
        if (!(error instanceof api.Refused) || [401, 503].includes(error.status)) break; // nor would the rest go
      }
    }
    if (failures.length) {
      await confirm({
        title: `${count(failures.length, "secret was", "secrets were")} not deleted`,
        body: h("ul", { class: "names" }, failures.map((line) => h("li", {}, line))),
        action: "Understood",
        kind: "primary",
      });
    } else notice(`${count(paths.length, "secret")} deleted.`);
    this.app.refresh();
  }
}

/** Ask whether secrets shall be deleted, and name every one of them. */
export function confirmDeletion(paths) {
  return confirm({
    title: paths.length === 1 ? `Delete ${lastOf(paths[0])}?` : `Delete ${count(paths.length, "secret")}?`,
    body: [
      h("ul", { class: "names" }, paths.map((path) => h("li", {}, h("code", {}, path)))),
      h(
        "p",
        {},
        "Programs that use what you delete find nothing there the next time they start. ",
        "This page cannot bring it back; the command ",
        h("code", {}, "holdfast kv undelete"),
        " can, as long as nobody destroys the version.",
      ),
    ],
    action: "Delete",
  });
}
