// The stores, and the seal that all of them are behind.

import * as api from "./api.js";
import { button, confirm, h, notice } from "./dom.js";
import { listAddress } from "./route.js";

export async function storesView(app) {
  const stores = await api.readStores();
  return h(
    "div",
    {},
    h(
      "div",
      { class: "heading" },
      h("h1", {}, "Secret stores"),
      app.superuser && button("Seal", { kind: "danger", drawing: "lock", onclick: () => seal(app) }),
    ),
    h(
      "section",
      { class: "card scroll" },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, ["Name", "Description", "Type", "State"].map((label) => h("th", { scope: "col" }, label)))),
        h("tbody", {}, stores.map(row)),
      ),
    ),
    h(
      "p",
      { class: "hint" },
      `All stores are behind one seal: ${app.status.threshold} of ${app.status.shares} keys open it.`,
      app.superuser ? "" : " A superuser can close it.",
    ),
  );
}

function row({ name, description = "", driver = "", initialized = true, sealed = false }) {
  const state = !initialized ? "not initialised" : sealed ? "sealed" : "open";
  return h(
    "tr",
    { class: sealed ? "is-sealed" : null },
    h("th", { scope: "row" }, h("a", { href: listAddress(name) }, name)),
    h("td", {}, description),
    h("td", {}, driver),
    h("td", {}, h("span", { class: `badge ${state === "open" ? "good" : "bad"}` }, state)),
  );
}

async function seal(app) {
  const { threshold, shares } = app.status;
  const agreed = await confirm({
    title: "Seal every store?",
    body: [
      h("p", {}, "From then on nobody can read or write any secret, and no program that needs one can start."),
      h("p", {}, `To open it again, ${threshold} of ${shares} keys have to be handed in. Make sure that their holders can be reached.`),
    ],
    action: "Seal",
  });
  if (!agreed) return;
  try {
    await api.seal();
    app.learnStatus(await api.readStatus());
  } catch (error) {
    notice(error.message);
  }
}
