// Which view an address asks for. Everything is behind the "#", so no name ever reaches the store's log of
// requests, or a proxy's, just because somebody opened a page.

/** Return the view and what it is about. */
export function readRoute(hash) {
  let parts;
  try {
    parts = hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  } catch {
    return { view: "unknown" };
  }
  const [view, first, ...rest] = parts;
  if (view === "") return { view: "list", store: "default", path: "" };
  if (view === "secrets") return { view: "list", store: first || "default", path: rest.join("/").replace(/\/+$/, "") };
  if (["secret", "edit"].includes(view) && rest.join("")) return { view, store: first, path: rest.join("/") };
  if (view === "new") return { view, store: first || "default", path: rest.join("/").replace(/\/+$/, "") };
  if (view === "stores" && parts.length === 1) return { view };
  if (view === "people" && parts.length === 1) return { view };
  if (view === "people" && ["users", "groups"].includes(first) && rest.length === 1) {
    return { view: "person", kind: first, name: rest[0] };
  }
  return { view: "unknown" };
}

const encoded = (path) => path.split("/").map(encodeURIComponent).join("/");

export const listAddress = (store, folder = "") =>
  `#/secrets/${encodeURIComponent(store)}/${folder ? `${encoded(folder)}/` : ""}`;
export const secretAddress = (store, path) => `#/secret/${encodeURIComponent(store)}/${encoded(path)}`;
export const editAddress = (store, path) => `#/edit/${encodeURIComponent(store)}/${encoded(path)}`;
export const newAddress = (store, folder = "") =>
  `#/new/${encodeURIComponent(store)}/${folder ? `${encoded(folder)}/` : ""}`;
export const personAddress = (kind, name) => `#/people/${kind}/${encodeURIComponent(name)}`;

/** Return the folder that a path lies in; empty for the top. */
export const folderOf = (path) => path.split("/").slice(0, -1).join("/");
export const lastOf = (path) => path.split("/").at(-1);
