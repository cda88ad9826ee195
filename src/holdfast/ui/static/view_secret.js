// One secret. Its value is fetched when somebody asks to see, copy or save it, and not before: so the store's
// audit trail says who looked, and not who passed by. It goes away by itself.

import * as api from "./api.js";
import { button, copy, count, h, icon, notice, save } from "./dom.js";
import { bytesOf } from "./names.js";
import { breadcrumb, whileBusy } from "./panels.js";
import { editAddress, folderOf, lastOf, listAddress } from "./route.js";
import { confirmDeletion } from "./view_list.js";

const SHOWN_SECONDS = 60;
const MASK = "••••••••••••";

export function secretView(app, { store, path }, signal) {
  const value = new Value(store, path, signal);
  const remove = async () => {
    if (!(await confirmDeletion([path]))) return;
    try {
      await api.deleteSecret(store, path);
    } catch (error) {
      notice(error.message);
      return;
    }
    notice("1 secret deleted.");
    app.go(listAddress(store, folderOf(path)));
  };
  return h(
    "div",
    {},
    breadcrumb(store, path, { isSecret: true }),
    h(
      "div",
      { class: "heading" },
      h("h1", {}, lastOf(path)),
      h(
        "div",
        { class: "actions" },
        h("a", { class: "button", href: editAddress(store, path) }, icon("edit"), h("span", {}, "Replace")),
        button("Delete", { kind: "danger", drawing: "bin", onclick: remove }),
      ),
    ),
    h(
      "section",
      { class: "card facts" },
      h(
        "dl",
        {},
        h("dt", {}, "Store"),
        h("dd", {}, store),
        h("dt", {}, "Path"),
        h("dd", {}, h("code", { id: "path" }, path), button("Copy the path", { drawing: "copy", bare: true, onclick: () => copy(path, "Path") })),
        h("dt", {}, "Value"),
        h("dd", {}, value.element),
      ),
    ),
  );
}

class Value {
  constructor(store, path, signal) {
    this.store = store;
    this.path = path;
    this.output = h("pre", { id: "value", class: "value masked", tabindex: "0", "aria-label": "Value, hidden" }, MASK);
    this.facts = h("p", { class: "hint", role: "status" });
    this.eye = button("Show", { drawing: "eye", "aria-pressed": "false", onclick: () => this.toggle() });
    this.element = h(
      "div",
      {},
      this.output,
      h(
        "div",
        { class: "actions start" },
        this.eye,
        button("Copy", { drawing: "copy", onclick: (event) => this.use(event.currentTarget, (read) => this.copy(read)) }),
        button("Download", { drawing: "download", onclick: (event) => this.use(event.currentTarget, (read) => this.save(read)) }),
      ),
      this.facts,
    );
    signal.addEventListener("abort", () => this.mask());
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && this.mask(), { signal });
    this.signal = signal;
  }

  toggle() {
    if (this.eye.getAttribute("aria-pressed") === "true") this.mask();
    else this.use(this.eye, (read) => this.show(read));
  }

  async use(pressed, what) {
    try {
      const read = await whileBusy(pressed, () => api.readSecret(this.store, this.path));
      if (!this.signal.aborted) await what(read);
    } catch (error) {
      this.facts.textContent = error.message;
    }
  }

  show({ text, bytes }) {
    this.describe({ text, bytes });
    if (bytes) {
      this.output.textContent = `Binary, ${count(bytes.length, "byte")}. Download it: shown as text it would not be the same.`;
      this.output.className = "value";
      this.output.setAttribute("aria-label", "Value");
      return;
    }
    this.output.textContent = text;
    this.output.className = "value";
    this.output.setAttribute("aria-label", "Value");
    this.eye.setAttribute("aria-pressed", "true");
    this.eye.querySelector("span").textContent = "Hide";
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.mask(), SHOWN_SECONDS * 1000);
  }

  mask() {
    clearTimeout(this.timer);
    this.output.textContent = MASK;
    this.output.className = "value masked";
    this.output.setAttribute("aria-label", "Value, hidden");
    this.eye.setAttribute("aria-pressed", "false");
    this.eye.querySelector("span").textContent = "Show";
  }

  copy({ text, bytes }) {
    this.describe({ text, bytes });
    if (bytes) notice("The value is binary: download it instead.");
    else return copy(text, "Value");
  }

  save({ text, bytes }) {
    this.describe({ text, bytes });
    save(bytes || new TextEncoder().encode(text), lastOf(this.path));
  }

  describe({ text, bytes }) {
    this.facts.textContent = bytes ? `Binary, ${count(bytes.length, "byte")}` : `Text, ${count(bytesOf(text), "byte")}`;
  }
}
