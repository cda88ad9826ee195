// What a secret may be called, and how large it may be: the store's own rules, told before anything is sent.
// The store checks again; the table in tests/scenario/page/test_page_secrets.py holds both to the same answers.

const MAX_SEGMENT_BYTES = 255;
const MAX_TARGET_PATH_BYTES = 1024; // of /secrets/v1/secret/<store>/<path>, without the first slash
const MAX_DEPTH = 64;
const encoder = new TextEncoder();

/** Return how many bytes a text is in UTF-8, as the store counts. */
export const bytesOf = (text) => encoder.encode(text).length;

/** Return the one spelling of a name: composed letters, as keyboards and file systems differ in that. */
export const canonical = (name) => name.normalize("NFC");

/** Return what is wrong with the name of a secret; an empty text if nothing is. */
export function problemWithName(name, store) {
  if (!name) return "Enter a path, such as team/database/password.";
  if (name.startsWith("/")) return "Leave out the slash at the start.";
  if (name.endsWith("/")) return "Leave out the slash at the end: that would be a folder.";
  const segments = name.split("/");
  const prefix = `secrets/v1/secret/${store}`;
  if (segments.length + prefix.split("/").length > MAX_DEPTH) {
    return `At most ${MAX_DEPTH - prefix.split("/").length} parts, separated by slashes.`;
  }
  for (const segment of segments) {
    const problem = problemWithSegment(segment);
    if (problem) return problem;
  }
  const most = MAX_TARGET_PATH_BYTES - bytesOf(prefix) - 1;
  if (bytesOf(name) > most) return `At most ${most} bytes; this is ${bytesOf(name)}.`;
  return "";
}

function problemWithSegment(segment) {
  if (!segment) return "One slash between parts is enough.";
  if (segment === "." || segment === "..") return `A part cannot be called “${segment}”.`;
  if (segment.includes("\\")) return "Use / between parts; a backslash is not allowed.";
  if (segment.startsWith(" ") || segment.endsWith(" ")) return "A part cannot start or end with a blank.";
  if (/[\p{C}\p{Zl}\p{Zp}\uFFFD]/u.test(segment)) return "Control characters and invisible characters are not allowed.";
  if (/(?! )\s/u.test(segment)) return "The only blank that is allowed is the plain one.";
  if (bytesOf(segment) > MAX_SEGMENT_BYTES) return `A part has at most ${MAX_SEGMENT_BYTES} bytes; one here has ${bytesOf(segment)}.`;
  return "";
}

/** Return what is wrong with the size of a value; an empty text if nothing is. */
export function problemWithSize(bytes, most) {
  if (bytes <= most) return "";
  return `${bytes.toLocaleString("en")} bytes are too many: the store takes at most ${most.toLocaleString("en")}.`;
}

/** Compare without regard to case; names that differ in nothing else keep one order. */
export function byName(one, other) {
  const [first, second] = [one.toLowerCase(), other.toLowerCase()];
  if (first !== second) return first < second ? -1 : 1;
  return one < other ? -1 : one > other ? 1 : 0;
}
