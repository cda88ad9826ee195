// A new secret, or another value for one that is there. What the store would refuse is said before it is sent.

import * as api from "./api.js";
import { button, confirm, errorPlace, field, h, notice } from "./dom.js";
import { bytesOf, canonical, problemWithName, problemWithSize } from "./names.js";
import { breadcrumb, whileBusy } from "./panels.js";
import { editAddress, listAddress, secretAddress } from "./route.js";

export function formView(app, { view, store, path }, signal) {
  const form = new Form(app, store, path, view === "edit");
  signal.addEventListener("abort", () => form.forget());
  return h(
    "div",
    {},
    breadcrumb(store, path, { isSecret: view === "edit" }),
    h("h1", {}, view === "edit" ? "Replace the value" : "New secret"),
    form.element,
  );
}

class Form {
  constructor(app, store, path, isEdit) {
    this.app = app;
    this.store = store;
    this.isEdit = isEdit;
    this.most = app.settings.max_secret_bytes;
    this.nameError = errorPlace();
    this.valueError = errorPlace();
    this.error = errorPlace();
    this.name = h("input", {
      type: "text",
      name: "path",
      value: isEdit ? path : path && `${path}/`,
      readonly: isEdit,
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      required: true,
      "data-first": !isEdit,
      oninput: () => this.checkName(),
    });
    this.text = h("textarea", {
      name: "value",
      rows: "6",
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      "data-first": isEdit,
      oninput: () => this.checkValue(),
    });
    this.size = h("p", { class: "hint", "aria-live": "polite" });
    this.file = h("input", { type: "file", name: "file", onchange: () => this.checkValue() });
    this.asText = this.kind("Text", true);
    this.asFile = this.kind("File", false);
    this.place = h("div", { class: "field" });
    this.loader = isEdit
      ? [button("Load the present value", { kind: "quiet", onclick: (event) => this.load(event.currentTarget) })]
      : [];
    this.submit = button(isEdit ? "Save" : "Create", { kind: "primary", type: "submit" });
    this.element = h(
      "form",
      { class: "card form", onsubmit: (event) => this.send(event) },
      field("Path", this.name, {
        hint: isEdit ? "The path stays. To rename a secret, make a new one and delete this one." : `In the store ${store}. Slashes make folders, as in team/database/password.`,
        error: this.nameError,
      }),
      h("fieldset", { class: "choice" }, h("legend", {}, "Value"), this.asText.label, this.asFile.label),
      this.place,
      this.error,
      h(
        "div",
        { class: "actions start" },
        this.submit,
        h("a", { class: "button", href: isEdit ? secretAddress(store, path) : listAddress(store, path) }, "Cancel"),
      ),
    );
    this.showKind();
  }

  kind(label, checked) {
    const input = h("input", { type: "radio", name: "kind", checked, onchange: () => this.showKind() });
    return { input, label: h("label", {}, input, h("span", {}, label)) };
  }

  showKind() {
    this.error.say("");
    if (this.asFile.input.checked) {
      const hint = `Kept and given back byte for byte; at most ${this.most.toLocaleString("en")} bytes.`;
      this.place.replaceChildren(field("File", this.file, { hint, error: this.valueError }), this.size);
    } else {
      this.place.replaceChildren(field("Text", this.text, { error: this.valueError }), this.size, ...this.loader);
    }
    this.checkValue();
  }

  checkName() {
    const problem = this.isEdit ? "" : problemWithName(canonical(this.name.value), this.store);
    this.nameError.say(problem);
    this.name.setAttribute("aria-invalid", String(Boolean(problem)));
    return !problem;
  }

  /** Say what is wrong with the value, or else what is worth knowing about it. */
  checkValue() {
    const isFile = this.asFile.input.checked;
    const file = this.file.files[0];
    const bytes = isFile ? file?.size : bytesOf(this.text.value);
    let problem = bytes === undefined ? "" : problemWithSize(bytes, this.most);
    if (!isFile && !wellFormed(this.text.value)) problem = "The text has half of a character in it; such text cannot be stored.";
    this.valueError.say(problem);
    const amount = bytes === undefined ? "" : `${bytes.toLocaleString("en")} of ${this.most.toLocaleString("en")} bytes. `;
    this.size.textContent = amount + (isFile ? "" : remarkOn(this.text.value));
    return !problem;
  }

  async load(pressed) {
    try {
      const { text, bytes } = await whileBusy(pressed, () => api.readSecret(this.store, this.name.value));
      if (bytes) this.error.say("The present value is binary: choose File to replace it.");
      else if (text.includes("\r")) {
        this.error.say("The present value has carriage returns in it, which a text field would change. Use a file.");
      } else {
        this.text.value = text;
        this.checkValue();
        this.text.focus();
      }
    } catch (error) {
      this.error.say(error.message);
    }
  }

  async send(event) {
    event.preventDefault();
    this.error.say("");
    const [nameIsGood, valueIsGood] = [this.checkName(), this.checkValue()];
    if (!nameIsGood) this.name.focus();
    if (!nameIsGood || !valueIsGood) return;
    const isFile = this.asFile.input.checked;
    if (isFile ? !this.file.files.length : !this.text.value) {
      this.valueError.say(isFile ? "Choose a file." : "Enter a value.");
      return;
    }
    const name = this.isEdit ? this.name.value : canonical(this.name.value);
    try {
      await whileBusy(this.submit, async () => {
        const value = isFile ? { bytes: await this.file.files[0].arrayBuffer() } : { text: this.text.value };
        await api.writeSecret(this.isEdit ? "PATCH" : "PUT", this.store, name, value);
      });
    } catch (error) {
      this.explain(error, name);
      return;
    }
    this.forget();
    notice(this.isEdit ? "Saved." : "Created.");
    this.app.go(secretAddress(this.store, name));
  }

  explain(error, name) {
    if (error instanceof api.Refused && error.status === 409) {
      this.error.say("There is a secret with this path already. ");
      this.error.append(h("a", { href: editAddress(this.store, name) }, "Replace its value"));
    } else this.error.say(error instanceof api.Refused || error instanceof api.Unreachable ? error.message : "The file cannot be read.");
  }

  forget() {
    this.text.value = "";
    this.file.value = "";
  }
}

const wellFormed = (text) => !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text);

function remarkOn(text) {
  if (text.endsWith("\n")) return "It ends with a line break, which is kept.";
  return text !== text.trim() ? "It starts or ends with a blank, which is kept." : "";
}
