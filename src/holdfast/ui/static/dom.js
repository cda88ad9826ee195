// Elements, made one by one. Text only ever becomes text: nothing in this page reads markup from a string.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  folder: "M3 6.5A1.5 1.5 0 0 1 4.5 5h5l2 2.5h8A1.5 1.5 0 0 1 21 9v8.5a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17.5z",
  key: "M14.5 13.5a4.5 4.5 0 1 0-4-2.4L3 18.5V21h3v-2h2v-2h2l2.1-2.1a4.5 4.5 0 0 0 2.4-1.4zM16 7.6v.1",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  download: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M4.5 19.5h15",
  bin: "M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13M10.5 11v5.5M13.5 11v5.5",
  lock: "M8 11V8a4 4 0 0 1 8 0v3M6 11h12v9H6zM12 14.5v2",
  plus: "M12 5v14M5 12h14",
  edit: "M4 20l1-4L16 5l3 3L8 19zM13.5 7.5l3 3",
};

/** Return an element. Properties that start with "on" are listeners; null and false children are left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Return a drawing that says nothing to a screen reader. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  drawing.append(path);
  return drawing;
}

/** Return a button with a drawing; without text in it, the label is for screen readers and as a hint. */
export function button(label, { onclick, drawing, kind = "", bare = false, ...further } = {}) {
  const named = bare ? { "aria-label": label, title: label } : {};
  return h(
    "button",
    { type: "button", class: `button ${kind} ${bare ? "bare" : ""}`, onclick, ...named, ...further },
    drawing && icon(drawing),
    !bare && h("span", {}, label),
  );
}

let fields = 0;

/** Return a labelled input with room for a hint and for what is wrong with it. */
export function field(label, input, { hint = "", error = null } = {}) {
  const id = `field-${++fields}`;
  input.id = id;
  const described = [];
  const parts = [h("label", { for: id }, label), input];
  if (hint) {
    described.push(`${id}-hint`);
    parts.push(h("p", { id: `${id}-hint`, class: "hint" }, hint));
  }
  if (error) {
    error.id = `${id}-error`;
    described.push(error.id);
    parts.push(error);
  }
  if (described.length) input.setAttribute("aria-describedby", described.join(" "));
  return h("div", { class: "field" }, parts);
}

/** Return a place for what went wrong; `say` fills it, and an empty text empties it. */
export function errorPlace() {
  const place = h("p", { class: "error", role: "alert", hidden: true });
  place.say = (text) => {
    place.textContent = text;
    place.hidden = !text;
  };
  return place;
}

/** Say something in passing. */
export function notice(text) {
  const place = document.getElementById("notice");
  const line = h("p", {}, text);
  place.replaceChildren(line);
  setTimeout(() => line.remove(), 6000);
}

/** Offer bytes to be saved, exactly as they are. */
export function save(bytes, name) {
  const address = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  const link = h("a", { href: address, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

/** Copy a text, or say why that is not possible. */
export async function copy(text, what) {
  if (!navigator.clipboard) {
    notice("This browser copies only from pages that come by HTTPS, or from this machine.");
    return;
  }
  try {
    await navigator.clipboard.writeText(text);
    notice(`${what} copied.`);
  } catch {
    notice("The browser did not allow copying.");
  }
}

/** Ask before something happens; resolves to whether to go on. Escape and Cancel mean no. */
export function confirm({ title, body, action, kind = "danger" }) {
  return new Promise((resolve) => {
    const go = button(action, { kind, onclick: () => dialog.close("yes") });
    const stay = button("Cancel", { onclick: () => dialog.close("no"), autofocus: true });
    const dialog = h(
      "dialog",
      { "aria-labelledby": "dialog-title" },
      h("h2", { id: "dialog-title" }, title),
      h("div", { class: "dialog-body" }, body),
      h("div", { class: "actions" }, stay, go),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Close whatever asks: the question has gone. */
export function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close("no");
}

/** Return a number as people read it, with the unit of which there are so many. */
export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}
