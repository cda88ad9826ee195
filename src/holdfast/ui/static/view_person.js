// One user or group: what they were granted, by whom they belong, and how to change both.

import * as api from "./api.js";
import { button, confirm, errorPlace, field, h, notice } from "./dom.js";
import { byName } from "./names.js";
import { whileBusy } from "./panels.js";
import { personAddress } from "./route.js";

const ACTIONS = ["read", "create", "update", "delete", "full"];

const RESOURCES = [
  { label: "One secret", rid: (store, path) => `dcos:secrets:${store}:/${path}` },
  { label: "All secrets in a folder", rid: (store, path) => `dcos:secrets:${store}:/${path ? `${path}/` : ""}*` },
  { label: "The names in a folder", rid: (store, path) => `dcos:secrets:list:${store}:/${path}` },
  { label: "Everything (superuser)", rid: () => "dcos:superuser", alone: true },
];

export async function personView(app, { kind, name }) {
  const isUser = kind === "users";
  const [grants, others] = await Promise.all([
    api.readGrants(kind, name),
    isUser ? api.readGroupsOf(name) : api.readMembersOf(name),
  ]);
  return h(
    "div",
    {},
    h("nav", { class: "breadcrumb", "aria-label": "Folder" }, h("ol", {}, h("li", {}, h("a", { href: "#/people" }, "People")), h("li", {}, name))),
    h("div", { class: "heading" }, h("h1", {}, name), button("Delete", { kind: "danger", drawing: "bin", onclick: () => remove(app, kind, name) })),
    h("section", { class: "card" }, h("h2", {}, "Permissions"), grantTable(app, kind, name, grants), grantForm(app, kind, name)),
    h(
      "section",
      { class: "card" },
      h("h2", {}, isUser ? "Groups" : "Members"),
      memberList(app, kind, name, others),
      memberForm(app, kind, name),
    ),
  );
}

/** Do something and show what is now; what is refused is said. */
async function change(app, work) {
  try {
    await work();
  } catch (error) {
    notice(error.message);
    return;
  }
  app.refresh();
}

async function remove(app, kind, name) {
  const agreed = await confirm({
    title: `Delete ${name}?`,
    body: h("p", {}, kind === "users" ? "All tokens of the user end at once." : "Its members lose what they had by way of it."),
    action: "Delete",
  });
  if (agreed) {
    await change(app, async () => {
      await api.deleteSubject(kind, name);
      location.hash = "#/people";
    });
  }
}

function grantTable(app, kind, name, grants) {
  const row = ({ rid, action, group }) =>
    h(
      "li",
      { class: "row" },
      h("code", {}, rid),
      h("span", { class: "badge" }, action),
      group
        ? h("span", { class: "amount" }, "by ", h("a", { href: personAddress("groups", group) }, group))
        : button(`Take back ${action} on ${rid}`, {
            drawing: "bin",
            bare: true,
            onclick: () => change(app, () => api.revoke(rid, kind, name, action)),
          }),
    );
  const sorted = grants.sort((one, other) => byName(one.rid, other.rid) || byName(one.action, other.action));
  return h("ul", { class: "rows", "aria-label": "Permissions" }, sorted.length ? sorted.map(row) : h("li", { class: "row none" }, "None: no rule means no."));
}

function grantForm(app, kind, name) {
  const error = errorPlace();
  const what = h("select", { onchange: () => show() }, RESOURCES.map(({ label }, index) => h("option", { value: index }, label)));
  const store = h("input", { type: "text", value: "default", spellcheck: "false", autocapitalize: "none", oninput: () => show() });
  const path = h("input", { type: "text", spellcheck: "false", autocapitalize: "none", autocomplete: "off", oninput: () => show() });
  const action = h("select", {}, ACTIONS.map((word) => h("option", { value: word }, word)));
  const shown = h("code", { id: "rid" });
  const submit = button("Grant", { kind: "primary", type: "submit" });
  const rid = () => RESOURCES[what.value].rid(store.value.trim(), path.value.trim().replace(/^\/+|\/+$/g, ""));
  const show = () => {
    store.disabled = path.disabled = Boolean(RESOURCES[what.value].alone);
    shown.textContent = rid();
  };
  const form = h(
    "form",
    {
      class: "form grid",
      onsubmit: async (event) => {
        event.preventDefault();
        error.say("");
        try {
          await whileBusy(submit, () => api.grant(rid(), kind, name, action.value));
          app.refresh();
        } catch (problem) {
          error.say(problem.message);
        }
      },
    },
    field("Resource", what),
    field("Store", store),
    field("Path", path),
    field("Action", action),
    h("p", { class: "hint wide" }, shown),
    error,
    submit,
  );
  show();
  return h("details", {}, h("summary", {}, "Grant a permission"), form);
}

function memberList(app, kind, name, others) {
  const isUser = kind === "users";
  const id = (other) => (isUser ? other.gid : other.uid);
  const row = (other) =>
    h(
      "li",
      { class: "row" },
      h("a", { href: personAddress(isUser ? "groups" : "users", id(other)) }, id(other)),
      h("span", { class: "amount" }, other.description),
      button(`Remove ${id(other)}`, {
        drawing: "bin",
        bare: true,
        onclick: () => change(app, () => (isUser ? api.removeMember(id(other), name) : api.removeMember(name, id(other)))),
      }),
    );
  return h("ul", { class: "rows" }, others.length ? others.map(row) : h("li", { class: "row none" }, "None."));
}

function memberForm(app, kind, name) {
  const isUser = kind === "users";
  const error = errorPlace();
  const other = h("input", { type: "text", spellcheck: "false", autocapitalize: "none", autocomplete: "off", required: true });
  const submit = button("Add", { kind: "primary", type: "submit" });
  const form = h(
    "form",
    {
      class: "form",
      onsubmit: async (event) => {
        event.preventDefault();
        error.say("");
        try {
          await whileBusy(submit, () => (isUser ? api.addMember(other.value, name) : api.addMember(name, other.value)));
          app.refresh();
        } catch (problem) {
          error.say(problem.message);
        }
      },
    },
    field(isUser ? "Group" : "User", other),
    error,
    submit,
  );
  return h("details", {}, h("summary", {}, isUser ? "Add to a group" : "Add a member"), form);
}
