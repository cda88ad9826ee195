// What is shown: the one place that decides it. Sealed comes before everything, then who is there, then the
// view that the address names. A view is built as a whole and replaces the one before, and with it goes every
// value that was in it.

import * as api from "./api.js";
import { button, closeDialogs, h, notice } from "./dom.js";
import { readRoute } from "./route.js";
import { deniedPanel, unknownPanel } from "./panels.js";
import { formView } from "./view_form.js";
import { listView } from "./view_list.js";
import { loginView } from "./view_login.js";
import { peopleView } from "./view_people.js";
import { personView } from "./view_person.js";
import { sealedView, uninitializedView } from "./view_sealed.js";
import { secretView } from "./view_secret.js";
import { storesView } from "./view_stores.js";

const POLL_MILLISECONDS = 5000;

const VIEWS = {
  list: listView,
  secret: secretView,
  edit: formView,
  new: formView,
  stores: storesView,
  people: peopleView,
  person: personView,
};

const main = document.getElementById("main");
const top = document.getElementById("top");

const app = {
  settings: {},
  status: null,
  user: "",
  superuser: false,
  signedIn: false,
  reason: "",
  go: (address) => {
    if (location.hash === address) show();
    else location.hash = address;
  },
  refresh: () => show(),
  learnStatus,
  signIn,
  signOut,
};

let turn = 0;
let leave = new AbortController();

async function show() {
  const mine = ++turn;
  leave.abort(); // timers of the view before; whatever it still loads is not shown any more
  leave = new AbortController();
  const { signal } = leave;
  closeDialogs();
  let view;
  try {
    view = await build(signal);
  } catch (error) {
    view = explain(error, show);
  }
  if (mine !== turn) return;
  const moved = main.childElementCount > 0;
  showTop();
  main.replaceChildren(view);
  const title = view.querySelector("h1")?.textContent;
  document.title = title && canShowNames() ? `${title} – Holdfast` : "Holdfast";
  const first = main.querySelector("[data-first]");
  if (first) first.focus();
  else if (moved) main.focus({ preventScroll: true });
}

const canShowNames = () => app.signedIn && !app.status.sealed;

function build(signal) {
  if (!app.status.initialized) return uninitializedView();
  if (app.status.sealed) return sealedView(app);
  if (!app.signedIn) return loginView(app);
  const route = readRoute(location.hash);
  return VIEWS[route.view] ? VIEWS[route.view](app, route, signal) : unknownPanel();
}

function explain(error, again = null) {
  if (error instanceof api.Refused && error.status === 403) return deniedPanel(error.message);
  if (error instanceof api.Refused || error instanceof api.Unreachable) {
    return h(
      "section",
      { class: "panel" },
      h("h1", {}, "This did not work"),
      h("p", {}, error.message),
      again && button("Try again", { kind: "primary", onclick: again }),
    );
  }
  console.error(error);
  return h("section", { class: "panel" }, h("h1", {}, "A defect of this page"), h("p", {}, "Please report it."));
}

function showTop() {
  const brand = h("a", { class: "brand", href: "#/" }, h("img", { src: "icon.svg", alt: "" }), "Holdfast");
  if (!canShowNames()) {
    top.replaceChildren(brand);
    return;
  }
  const { view } = readRoute(location.hash);
  const links = [
    ["Secrets", "#/", ["list", "secret", "edit", "new"]],
    ["Stores", "#/stores", ["stores"]],
    app.superuser && ["People", "#/people", ["people", "person"]],
  ].filter(Boolean);
  top.replaceChildren(
    brand,
    h(
      "nav",
      { "aria-label": "Main" },
      links.map(([label, href, views]) =>
        h("a", { href, "aria-current": views.includes(view) ? "page" : null }, label),
      ),
    ),
    h(
      "p",
      { class: "who" },
      h("span", { class: "name" }, app.user || "by token"),
      app.superuser && h("span", { class: "badge" }, "superuser"),
    ),
    button("Sign out", { onclick: () => signOut() }),
  );
}

/** Take notice of a status that just came; show another view if it is another story now. */
function learnStatus(status) {
  const before = app.status;
  app.status = { ...before, ...status };
  if (app.status.sealed && !before.sealed) forgetNames();
  const changed = ["initialized", "sealed", "progress", "threshold"].some((name) => before[name] !== app.status[name]);
  if (!changed) return;
  // A key that is half typed in must not be lost because somebody else handed in theirs.
  if (app.status.sealed && before.sealed && main.firstElementChild?.learn) main.firstElementChild.learn(app.status);
  else if (!app.status.sealed && before.sealed) resume().then(show);
  else if (app.status.sealed || !before.initialized) show();
}

/** Names are not to stay behind: neither in the address, nor in what is on the screen. */
function forgetNames() {
  closeDialogs();
  main.replaceChildren();
  document.title = "Holdfast";
  document.getElementById("notice").replaceChildren();
  history.replaceState(null, "", "#/");
}

async function signIn(user) {
  app.user = user;
  app.superuser = await api.isSuperuser();
  app.signedIn = true;
  app.reason = "";
  show();
}

async function signOut(reason = "") {
  const byCookie = !api.hasToken();
  app.signedIn = app.superuser = false;
  app.user = "";
  app.reason = reason;
  api.useToken("");
  forgetNames();
  if (byCookie && !reason) {
    try {
      await api.logOut();
    } catch (error) {
      notice(error.message);
    }
  }
  show();
}

async function poll() {
  if (document.visibilityState !== "visible" || !app.status) return;
  try {
    learnStatus(await api.readStatus());
  } catch {
    // The banner says so already.
  }
}

api.watchers.refused = ({ status }) => {
  if (status === 503) poll();
  else if (status === 401 && app.signedIn) signOut("Your session has ended. Sign in again.");
};
api.watchers.answered = (answered) => {
  document.getElementById("offline").hidden = answered;
};

/** Go on with the cookie of an earlier login; a sealed store cannot tell whether it still counts. */
async function resume() {
  const user = api.whoIsLoggedIn();
  if (!user || app.signedIn || app.status.sealed) return;
  try {
    app.superuser = await api.isSuperuser();
    app.user = user;
    app.signedIn = true;
  } catch {
    // The cookie has outlived its token, so this is somebody who has to sign in.
  }
}

async function start() {
  try {
    [app.settings, app.status] = await Promise.all([api.readSettings(), api.readStatus()]);
    await resume();
  } catch (error) {
    main.replaceChildren(explain(error));
    setTimeout(start, POLL_MILLISECONDS); // nothing is set up yet, so it begins anew
    return;
  }
  if (app.status.sealed) history.replaceState(null, "", "#/");
  document.getElementById("skip").addEventListener("click", () => main.focus());
  window.addEventListener("hashchange", () => show());
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
  document.addEventListener("visibilitychange", poll);
  setInterval(poll, POLL_MILLISECONDS);
  show();
}

start();
