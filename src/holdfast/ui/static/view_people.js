// Users and groups: who there is.

import * as api from "./api.js";
import { button, errorPlace, field, h, notice } from "./dom.js";
import { byName } from "./names.js";
import { whileBusy } from "./panels.js";
import { personAddress } from "./route.js";

export async function peopleView(app) {
  const [users, groups] = await Promise.all([api.readUsers(), api.readGroups()]);
  return h(
    "div",
    {},
    h("h1", {}, "People"),
    h("div", { class: "columns" }, section("users", "Users", users, "uid", app), section("groups", "Groups", groups, "gid", app)),
  );
}

function section(kind, label, rows, id, app) {
  const sorted = rows.sort((one, other) => byName(one[id], other[id]));
  return h(
    "section",
    { class: "card" },
    h("h2", {}, label),
    h(
      "ul",
      { class: "rows", "aria-label": label },
      sorted.map((row) =>
        h(
          "li",
          { class: "row" },
          h("a", { href: personAddress(kind, row[id]) }, row[id]),
          row.is_service && h("span", { class: "badge" }, "service"),
          h("span", { class: "amount" }, row.description),
        ),
      ),
      !rows.length && h("li", { class: "row none" }, "None yet."),
    ),
    h("details", {}, h("summary", {}, kind === "users" ? "New user" : "New group"), newForm(kind, app)),
  );
}

function newForm(kind, app) {
  const error = errorPlace();
  const name = h("input", { type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false", required: true });
  const description = h("input", { type: "text", autocomplete: "off" });
  const password = kind === "users" && h("input", { type: "password", autocomplete: "new-password", required: true });
  const submit = button("Create", { kind: "primary", type: "submit" });
  return h(
    "form",
    {
      class: "form",
      onsubmit: async (event) => {
        event.preventDefault();
        error.say("");
        const values = { description: description.value, ...(password && { password: password.value }) };
        try {
          await whileBusy(submit, () => api.createSubject(kind, name.value, values));
          notice("Created.");
          app.go(personAddress(kind, name.value));
        } catch (problem) {
          error.say(problem.message);
        }
      },
    },
    field("Name", name),
    field("Description", description),
    password && field("Password", password),
    error,
    submit,
  );
}
