// Passkeys: asks the browser's authenticator, and posts what it answered. Without JavaScript, or in
// a browser that knows no passkeys, nothing of it is shown, and the other ways to sign in remain.
"use strict";

const known =
  window.PublicKeyCredential &&
  "parseCreationOptionsFromJSON" in PublicKeyCredential &&
  "parseRequestOptionsFromJSON" in PublicKeyCredential;

const TROUBLE = {
  InvalidStateError: "This device keeps a passkey for this account already.",
  NotAllowedError: "It was not confirmed, or it took too long. Try again.",
  SecurityError: "Passkeys work at the portal's own address by HTTPS alone.",
};

// The options stand in the page, or are asked for when the button is pressed: they work once.
const optionsOf = async (form) => {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()).request_options;
};

const ask = async (form) => {
  const { publicKey } = await optionsOf(form);
  return form.dataset.passkey === "create"
    ? navigator.credentials.create({
        publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey),
      })
    : navigator.credentials.get({
        publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey),
      });
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const trouble = form.querySelector("[data-passkey-trouble]");
  form.hidden = !known;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button[type=submit]");
    trouble.hidden = true;
    button.disabled = true;
    try {
      const credential = await ask(form);
      form.elements.credential.value = JSON.stringify(credential);
      form.submit();
    } catch (error) {
      trouble.textContent = TROUBLE[error.name] ?? "That did not work. Try again, or another way.";
      trouble.hidden = false;
      button.disabled = false;
    }
  });
}
