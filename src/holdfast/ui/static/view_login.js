// Signing in: as a user with a password, or with a token that somebody has.

import * as api from "./api.js";
import { button, errorPlace, field, h } from "./dom.js";
import { whileBusy } from "./panels.js";

export function loginView(app) {
  const place = h("div");
  const kinds = h(
    "fieldset",
    { class: "choice" },
    h("legend", {}, "Sign in with"),
    choice("User and password", () => place.replaceChildren(passwordForm(app)), true),
    choice("Token", () => place.replaceChildren(tokenForm(app)), false),
  );
  place.append(passwordForm(app));
  return h(
    "section",
    { class: "panel narrow" },
    h("h1", {}, "Sign in"),
    app.reason && h("p", { class: "remark", role: "status" }, app.reason),
    kinds,
    place,
  );
}

function choice(label, chosen, checked) {
  const input = h("input", { type: "radio", name: "way", checked, onchange: chosen });
  return h("label", {}, input, h("span", {}, label));
}

function passwordForm(app) {
  const error = errorPlace();
  const uid = h("input", {
    type: "text",
    name: "username",
    autocomplete: "username",
    autocapitalize: "none",
    spellcheck: "false",
    required: true,
    "data-first": true,
  });
  const password = h("input", { type: "password", name: "password", autocomplete: "current-password", required: true });
  const mismatch = { "Invalid credentials.": "User and password do not match." };
  return form(error, [field("User", uid), field("Password", password)], mismatch, async () => {
    const [name, secret] = [uid.value, password.value];
    password.value = "";
    api.useToken("");
    await api.logIn(name, secret);
    await app.signIn(name);
  });
}

function tokenForm(app) {
  const error = errorPlace();
  const token = h("input", { type: "password", name: "token", autocomplete: "off", required: true });
  const hint = "It stays in this page's memory, and is gone when you reload or close the page.";
  const unknown = { [api.NOT_KNOWN]: "This token is not valid, or has expired." };
  return form(error, [field("Token", token, { hint })], unknown, async () => {
    const sent = token.value.trim();
    token.value = "";
    if (!/^[!-~]+$/.test(sent)) throw new api.Refused(400, "A token has no blanks and only plain letters, digits and signs.");
    api.useToken(sent);
    try {
      await app.signIn("");
    } catch (problem) {
      api.useToken("");
      throw problem;
    }
  });
}

function form(error, fields, words, work) {
  const submit = button("Sign in", { kind: "primary", type: "submit" });
  return h(
    "form",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        error.say("");
        try {
          await whileBusy(submit, work);
        } catch (problem) {
          error.say(words[problem.message] ?? problem.message);
        }
      },
    },
    fields,
    error,
    submit,
  );
}
