// A sealed store: that it is, how far the unsealing has come, and a place to hand in a key. Nothing else.

import * as api from "./api.js";
import { button, count, errorPlace, field, h, icon } from "./dom.js";
import { whileBusy } from "./panels.js";

export function uninitializedView() {
  return h(
    "section",
    { class: "panel narrow" },
    h("h1", {}, "The store is new"),
    h("p", {}, "It has no keys yet. Make them where their output is safe, as they are shown once:"),
    h("pre", {}, h("code", {}, "holdfast operator init")),
    h("p", {}, "This page goes on by itself after that."),
  );
}

export function sealedView(app) {
  const { progress, threshold } = app.status;
  const error = errorPlace();
  const key = h("input", { type: "password", autocomplete: "off", required: true, "data-first": true });
  const submit = button("Hand in the key", { kind: "primary", type: "submit" });
  const handIn = async (event) => {
    event.preventDefault();
    error.say("");
    const sent = key.value.trim();
    key.value = "";
    try {
      const told = await whileBusy(submit, () => api.unseal(sent));
      app.learnStatus({ sealed: told.sealed, progress: told.progress, threshold: told.threshold });
      key.focus();
    } catch (problem) {
      error.say(problem.message);
      try {
        app.learnStatus(await api.readStatus());
      } catch {
        // The banner says that the store does not answer.
      }
    }
  };
  const bar = progressBar(progress, threshold);
  const again = button("Start over", {
    kind: "quiet",
    hidden: progress === 0,
    onclick: async () => {
      try {
        await whileBusy(again, api.startUnsealingOver);
        app.learnStatus({ progress: 0 });
      } catch (problem) {
        error.say(problem.message);
      }
    },
  });
  const view = h(
    "section",
    { class: "panel narrow sealed" },
    h("h1", {}, icon("lock"), "The store is sealed"),
    h(
      "p",
      { role: "alert" },
      `Nothing can be read or written until ${count(threshold, "key")} of ${app.status.shares} ${threshold === 1 ? "is" : "are"} handed in. `,
      "Programs that run already keep the secrets that they have.",
    ),
    bar,
    h("form", { onsubmit: handIn }, field("Unseal key", key, { error }), submit),
    again,
  );
  view.learn = (status) => {
    bar.show(status);
    again.hidden = status.progress === 0;
  };
  return view;
}

function progressBar(progress, threshold) {
  const text = h("span", {});
  const bar = h("progress", { max: threshold, "aria-label": "Keys handed in" });
  const place = h("p", { class: "progress", id: "progress" }, bar, text);
  place.show = (status) => {
    bar.value = status.progress;
    text.textContent = `${status.progress} of ${status.threshold} keys`;
  };
  place.show({ progress, threshold });
  return place;
}
