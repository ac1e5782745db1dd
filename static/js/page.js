// What a page does better with JavaScript; each part works without. No state is kept here.
"use strict";

const on = (type, selector, handle) =>
  document.addEventListener(type, (event) => {
    const element = event.target.closest?.(selector);
    if (element) handle(element, event);
  });

// Buttons that need JavaScript stand hidden in the HTML.
const reveal = (root) => {
  for (const button of root.querySelectorAll("[data-copy][hidden], [data-dismiss][hidden]")) {
    button.hidden = false;
  }
};

// Copy: the word of the button says that it worked.
on("click", "[data-copy]", async (button) => {
  const word = button.querySelector("span");
  await navigator.clipboard.writeText(button.dataset.copy);
  word.textContent = "Copied";
  setTimeout(() => (word.textContent = "Copy"), 2000);
});

on("click", "[data-dismiss]", (button) => button.closest("li").remove());

// A link that leads to a page with a question opens the dialog that asks the same.
on("click", "[data-dialog]", (link, event) => {
  const dialog = document.getElementById(link.dataset.dialog);
  if (!dialog) return;
  event.preventDefault();
  dialog.showModal();
});
on("click", "[data-close]", (button) => button.closest("dialog").close());

// One box of the head checks all boxes of its column.
on("change", "[data-check-all]", (all) => {
  for (const box of all.closest("table").querySelectorAll("tbody input[type=checkbox]")) {
    box.checked = all.checked;
  }
});

// An open menu closes by Escape, and by a press or a step elsewhere.
const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== except) menu.open = false;
  }
};
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("focusin", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.menu[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

// The current entry of a scrolling bar is in sight; a form with errors begins at its summary.
for (const current of document.querySelectorAll(".side [aria-current], .tabs [aria-current]")) {
  const bar = current.closest(".tabs") ?? current.closest("ul");
  bar.scrollLeft = current.offsetLeft - bar.offsetLeft - 16;
}
document.querySelector('form[method="post"] .summary')?.focus();

reveal(document);
document.addEventListener("htmx:after:swap", () => reveal(document));
