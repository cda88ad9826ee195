// The APIs of the store, as any client speaks to them. A token that somebody pasted is kept here, in memory,
// and nowhere else: it is gone with the page. After a login by password the browser keeps a cookie that
// scripts cannot read, and sends it by itself.

const SECRETS = "/secrets/v1";
const IAM = "/acs/api/v1";
const JSON_TYPE = "application/json";
const BYTES_TYPE = "application/octet-stream";
const INFO_COOKIE = "dcos-acs-info-cookie=";

let token = "";

/** What the store refused, in its own words. */
export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** The store did not answer at all. */
export class Unreachable extends Error {
  constructor() {
    super("The store does not answer. Try again in a moment.");
  }
}

/** What the store says to a token that it does not know. */
export const NOT_KNOWN = "The authentication token is missing, expired or not valid.";

/** Told of every refusal before the caller is: a page that is not signed in any more must not stay. */
export const watchers = { refused: () => {}, answered: () => {} };

async function send(method, address, { body, type, accept = JSON_TYPE, credentials = "same-origin" } = {}) {
  const headers = { Accept: accept };
  if (type) headers["Content-Type"] = type;
  if (token) headers.Authorization = `token=${token}`;
  let response;
  try {
    response = await fetch(address, {
      method,
      headers,
      body,
      credentials: token ? "omit" : credentials,
      cache: "no-store",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
  } catch {
    watchers.answered(false);
    throw new Unreachable();
  }
  watchers.answered(true);
  if (response.ok) return response;
  const refused = new Refused(response.status, await wordsOf(response));
  watchers.refused(refused);
  throw refused;
}

async function wordsOf(response) {
  try {
    const told = await response.json();
    // A login that has to wait is described like every other that is refused; its title says for how long.
    if (response.headers.has("Retry-After")) return sentence(told.title);
    const text = told.description || told.message || (told.errors || []).join("; ");
    if (text) return sentence(text);
  } catch {
    // Not every refusal has a body of ours: something on the way may have answered.
  }
  return `The store refused this (status ${response.status}).`;
}

function sentence(text) {
  const start = text[0].toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}

const sendJson = (method, address, values) =>
  send(method, address, { body: JSON.stringify(values), type: JSON_TYPE });

const encoded = (path) => path.split("/").map(encodeURIComponent).join("/");
const secretAt = (store, path) => `${SECRETS}/secret/${encodeURIComponent(store)}/${encoded(path)}`;
const aclAt = (rid) => `${IAM}/acls/${encodeURIComponent(rid.replaceAll("/", "%2F"))}`;
const subjectAt = (kind, name) => `${IAM}/${kind}/${encodeURIComponent(name)}`;

// -- who ---------------------------------------------------------------------------------------------

/** Use a token from now on; an empty one forgets it. */
export function useToken(text) {
  token = text;
}

export const hasToken = () => token !== "";

/** Return who is logged in by cookie, or an empty text. */
export function whoIsLoggedIn() {
  const cookie = document.cookie.split("; ").find((one) => one.startsWith(INFO_COOKIE));
  if (!cookie) return "";
  try {
    const bytes = Uint8Array.from(atob(cookie.slice(INFO_COOKIE.length)), (letter) => letter.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)).uid || "";
  } catch {
    return "";
  }
}

/** Log in. The answer carries the token, too; nobody reads it here, as the cookie is enough. */
export const logIn = (uid, password) => sendJson("POST", `${IAM}/auth/login`, { uid, password });

/** End the token of the cookie, and the cookie. */
export const logOut = () => send("GET", `${IAM}/auth/logout`);

/** Whether this is a superuser: nobody else may see who there is. */
export async function isSuperuser() {
  try {
    await send("GET", `${IAM}/users`);
    return true;
  } catch (error) {
    if (error instanceof Refused && error.status === 403) return false;
    throw error;
  }
}

// -- the store as a whole ----------------------------------------------------------------------------

export const readSettings = async () => (await send("GET", "settings.json")).json();

/** Return whether the store is initialised, sealed, and how far the unsealing is. Needs no token. */
export async function readStatus() {
  const told = await (await send("GET", "/v1/sys/seal-status", { credentials: "omit" })).json();
  return { initialized: told.initialized, sealed: told.sealed, threshold: told.t, shares: told.n, progress: told.progress };
}

export const unseal = async (key) =>
  (await sendJson("PUT", `${SECRETS}/unseal/default`, { key })).json();

export const startUnsealingOver = () => sendJson("PUT", "/v1/sys/unseal", { reset: true });

export const seal = () => send("PUT", `${SECRETS}/seal/default`);

/** Return all stores; to whom that is forbidden, the default one. */
export async function readStores() {
  try {
    return (await (await send("GET", `${SECRETS}/store`)).json()).array;
  } catch (error) {
    if (error instanceof Refused && error.status === 403) return [{ name: "default" }];
    throw error;
  }
}

// -- secrets -----------------------------------------------------------------------------------------

/** Return the names of all secrets below a folder, relative to it. */
export async function listNames(store, folder) {
  const told = await (await send("GET", `${secretAt(store, folder)}?list=true`)).json();
  return told.array || [];
}

/** Return the value of a secret: a text, or bytes. */
export async function readSecret(store, path) {
  const response = await send("GET", secretAt(store, path), { accept: "*/*" });
  if (response.headers.get("Content-Type") === JSON_TYPE) return { text: (await response.json()).value };
  return { bytes: new Uint8Array(await response.arrayBuffer()) };
}

/** Create a secret, or with PATCH replace its value. */
export function writeSecret(method, store, path, { text, bytes }) {
  if (bytes) return send(method, secretAt(store, path), { body: bytes, type: BYTES_TYPE });
  return sendJson(method, secretAt(store, path), { value: text });
}

export const deleteSecret = (store, path) => send("DELETE", secretAt(store, path));

// -- people ------------------------------------------------------------------------------------------

const readArray = async (address) => (await (await send("GET", address)).json()).array;

export const readUsers = () => readArray(`${IAM}/users`);
export const readGroups = () => readArray(`${IAM}/groups`);
export const readGroupsOf = async (uid) =>
  (await readArray(`${subjectAt("users", uid)}/groups`)).map((row) => row.group);
export const readMembersOf = async (gid) =>
  (await readArray(`${subjectAt("groups", gid)}/users`)).map((row) => row.user);

/** Return what somebody was granted, each with the group it comes from, if it does. */
export async function readGrants(kind, name) {
  const told = await (await send("GET", `${subjectAt(kind, name)}/permissions`)).json();
  const rows = kind === "users" ? [...told.direct, ...told.groups] : told.array;
  return rows.flatMap((row) =>
    row.actions.map((action) => ({ rid: row.rid, action: action.name, group: row.gid || "" })),
  );
}

export const createSubject = (kind, name, values) => sendJson("PUT", subjectAt(kind, name), values);
export const deleteSubject = (kind, name) => send("DELETE", subjectAt(kind, name));
export const addMember = (gid, uid) => send("PUT", `${subjectAt("groups", gid)}/users/${encodeURIComponent(uid)}`);
export const removeMember = (gid, uid) =>
  send("DELETE", `${subjectAt("groups", gid)}/users/${encodeURIComponent(uid)}`);

/** Grant: the resource has to be known first; that it is already is fine. */
export async function grant(rid, kind, name, action) {
  try {
    await sendJson("PUT", aclAt(rid), { description: "" });
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 409) throw error;
  }
  await send("PUT", `${aclAt(rid)}/${kind}/${encodeURIComponent(name)}/${action}`);
}

export const revoke = (rid, kind, name, action) =>
  send("DELETE", `${aclAt(rid)}/${kind}/${encodeURIComponent(name)}/${action}`);
