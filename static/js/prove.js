// Verifies the proof that a page shows, in the browser: nothing is asked of the portal for it.
// The same steps as countersign/merkle.py and notes.py; sources: RFC 9162 (2.1.1, 2.1.3.2),
// C2SP signed-note and tlog-checkpoint.
"use strict";

const bytes = (text) => new TextEncoder().encode(text);
const hex = (array) => Array.from(array, (byte) => byte.toString(16).padStart(2, "0")).join("");
const base64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

const joined = (parts) => {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};
const sha256 = async (...parts) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", joined(parts)));
const node = (left, right) => sha256(Uint8Array.of(1), left, right);

// The root that leaf and path lead to; indexes are below 2^53, so halves are exact.
const rootOf = async (leaf, index, size, path) => {
  let [at, last, hash] = [index, size - 1, leaf];
  for (const step of path) {
    if (last === 0) throw new Error("The path is too long.");
    if (at % 2 === 1 || at === last) {
      hash = await node(step, hash);
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2);
        last = Math.floor(last / 2);
      }
    } else {
      hash = await node(hash, step);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) throw new Error("The path is too short.");
  return hash;
};

// The text that was signed, and its signatures.
const opened = (note) => {
  const end = note.indexOf("\n\n") + 1;
  const [origin, size, root] = note.slice(0, end).split("\n");
  const signatures = note
    .slice(end + 1)
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split(" "))
    .map(([, name, packed]) => ({ name, packed: base64(packed) }));
  return { text: note.slice(0, end), origin, size: Number(size), root, signatures };
};

// Whether one of the keys signed the checkpoint; null where the browser knows no Ed25519.
const signed = async (checkpoint, keys) => {
  for (const vkey of keys) {
    const [, name, id, packed] = vkey.match(/^([^+]+)\+([0-9a-f]{8})\+(.+)$/);
    const found = checkpoint.signatures.find(
      (each) => each.name === name && hex(each.packed.slice(0, 4)) === id,
    );
    if (!found || name !== checkpoint.origin) continue;
    let key;
    try {
      const raw = base64(packed).slice(1);
      key = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
    } catch {
      return null;
    }
    const content = bytes(checkpoint.text);
    if (await crypto.subtle.verify({ name: "Ed25519" }, key, found.packed.slice(4), content)) {
      return vkey;
    }
  }
  return false;
};

const prove = async (box) => {
  const list = box.querySelector("[data-steps]");
  list.replaceChildren();
  const say = (good, text) => {
    const item = document.createElement("li");
    const mark = document.createElement("strong");
    mark.className = good === null ? "t-soon" : good ? "t-ok" : "t-bad";
    mark.textContent = good === null ? "Not checked. " : good ? "Holds. " : "Does not hold. ";
    const words = document.createElement("span");
    words.append(mark, text);
    item.append(words);
    list.append(item);
    return good;
  };
  if (!window.crypto?.subtle) {
    say(null, "Browsers hash only on pages by https. Use the commands below.");
    return;
  }
  const text = (name) => document.querySelector(`[data-${name}]`).textContent;
  const { index, size, leaf, keys } = box.dataset;
  try {
    const hash = await sha256(Uint8Array.of(0), bytes(text("entry")));
    if (!say(hex(hash) === leaf, `The entry's bytes give the leaf hash ${hex(hash)}.`)) return;
    const path = Array.from(document.querySelectorAll("[data-path] li:not([data-none])"), (each) =>
      base64(each.textContent),
    );
    const checkpoint = opened(text("note"));
    const root = await rootOf(hash, Number(index), Number(size), path);
    const same = hex(root) === hex(base64(checkpoint.root)) && Number(size) === checkpoint.size;
    say(same, `Leaf and path lead to the root of the checkpoint: ${hex(root)}.`);
    const key = await signed(checkpoint, keys.split(" "));
    if (key === null) say(null, "This browser knows no Ed25519: check the signature offline.");
    else if (key) say(true, `The checkpoint is signed by ${key}. Compare it with the key you were told.`);
    else say(false, "The checkpoint is not signed by a key of the ledger.");
  } catch (error) {
    say(false, error.message);
  }
};

for (const box of document.querySelectorAll("[data-proof]")) {
  box.hidden = false;
  box.querySelector("[data-prove]").addEventListener("click", () => prove(box));
}
