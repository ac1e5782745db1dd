// Automatic logoff, seen from the page: it warns before, lets people stay, and leads to the sign-in
// page when the session is over, so that nothing stays on an unattended screen.
"use strict";

const dialog = document.getElementById("session-ends");

if (dialog) {
  const { ask, signIn } = dialog.dataset;
  const warning = Number(dialog.dataset.warning);
  const idle = Number(dialog.dataset.idle);
  const form = dialog.querySelector("form");
  const clock = dialog.querySelector("[data-clock]");
  let ends = Date.now() + Number(dialog.dataset.left) * 1000;
  let heard = Date.now(); // when the server last heard of somebody here
  let mayStay = true;
  let over = false; // once the server says so: opening the sign-in page earlier would be activity
  let timer;

  const secondsLeft = () => Math.round((ends - Date.now()) / 1000);

  const leave = () => {
    const here = location.pathname + location.search;
    location.replace(`${signIn}?${new URLSearchParams({ next: here, ended: mayStay ? "idle" : "absolute" })}`);
  };

  // What the server says counts: another window may have kept the session alive, or ended it.
  const learn = async (address, options = {}) => {
    try {
      const answer = await fetch(address, {
        redirect: "manual",
        ...options,
        headers: { Accept: "application/json", ...options.headers },
      });
      if (answer.ok) {
        const said = await answer.json();
        ends = Date.now() + said.seconds * 1000;
        mayStay = said.may_stay;
      } else if (answer.type === "opaqueredirect" || answer.status === 403) {
        over = true;
      }
    } catch {
      // No network: the time goes on as it was known, and at its end nothing stays on the screen.
      over = secondsLeft() <= 0;
    }
  };
  const look = () => learn(ask, { headers: { "X-Polling": "1" } });
  const stay = () => {
    heard = Date.now();
    return learn(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  };

  const show = () => {
    const left = Math.max(0, secondsLeft());
    clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    for (const part of dialog.querySelectorAll("[data-while]")) {
      part.hidden = (part.dataset.while === "idle") !== mayStay;
    }
  };

  let asked = false;
  const tick = async () => {
    clearTimeout(timer);
    if (secondsLeft() <= warning && !asked) {
      asked = true;
      await look();
    }
    if (secondsLeft() <= 0 && !over) await look();
    if (over || secondsLeft() < -5) return leave();
    if (secondsLeft() > warning) {
      asked = false;
      if (dialog.open) dialog.close();
      timer = setTimeout(tick, Math.min((secondsLeft() - warning) * 1000 + 500, 2 ** 30));
      return;
    }
    show();
    if (!dialog.open && !dialog.dataset.seen) dialog.showModal();
    timer = setTimeout(tick, 1000);
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    dialog.close();
    await stay();
    tick();
  });
  // Escape says the same as the button; at the end of the day it puts the warning away.
  dialog.addEventListener("cancel", () => (mayStay ? stay().then(tick) : undefined));
  dialog.addEventListener("close", () => {
    if (!mayStay) dialog.dataset.seen = "1";
  });

  // Who writes for long, sending nothing, is there all the same.
  for (const type of ["keydown", "pointerdown"]) {
    document.addEventListener(type, (event) => {
      if (!event.isTrusted || dialog.open || Date.now() - heard < (idle / 3) * 1000) return;
      stay().then(tick);
    });
  }
  // A window that was out of sight, or a machine that slept, learns what happened meanwhile.
  document.addEventListener("visibilitychange", async () => {
    if (document.visibilityState !== "visible") return;
    await look();
    tick();
  });
  tick();
}
