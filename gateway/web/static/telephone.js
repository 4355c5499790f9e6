// The telephone page: new words are added to the log (a screen reader reads only those), spoken if somebody asked for it, and
// the keyboard's digits press the pad. Without this file every button is a form.
"use strict";

(function () {
  const aloud = document.getElementById("aloud");
  const canSpeak = "speechSynthesis" in window;
  if (aloud && canSpeak) aloud.hidden = false;

  function speak(line) {
    if (!aloud || aloud.getAttribute("aria-pressed") !== "true" || !line.lang) return;
    const words = new SpeechSynthesisUtterance(line.textContent);
    words.lang = line.lang;
    window.speechSynthesis.speak(words);
  }

  function atTheEnd(log) { log.scrollTop = log.scrollHeight; }
  const heard = document.getElementById("heard");
  if (heard) atTheEnd(heard);

  if (aloud) aloud.addEventListener("click", function () {
    const on = aloud.getAttribute("aria-pressed") !== "true";
    aloud.setAttribute("aria-pressed", String(on));
    window.speechSynthesis.cancel();
    const log = document.getElementById("heard");
    if (on && log && log.lastElementChild) speak(log.lastElementChild);
  });

  // What has not changed stays as it is; a log only grows.
  document.addEventListener("htmx:oobBeforeSwap", function (event) {
    const old = document.getElementById(event.detail.target.id);
    const fresh = event.detail.fragment.querySelector("#" + CSS.escape(event.detail.target.id)) || event.detail.fragment.firstElementChild;
    if (!old || !fresh || !fresh.dataset || fresh.dataset.mark === undefined) return;
    if (old.dataset.mark === fresh.dataset.mark) { event.detail.shouldSwap = false; return; }
    if (fresh.dataset.grows === undefined) return;
    event.detail.shouldSwap = false;
    old.dataset.mark = fresh.dataset.mark;
    for (const line of Array.from(fresh.children)) {
      if (document.getElementById(line.id)) continue;
      old.append(line);
      speak(line);
    }
    atTheEnd(old);
  });

  document.addEventListener("htmx:afterRequest", function (event) {
    const words = document.getElementById("words");
    if (words && event.detail.successful && words.form === event.detail.elt) words.value = "";
  });

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    const key = document.querySelector("[data-dtmf='" + CSS.escape(event.key) + "']");
    if (!key) return;
    event.preventDefault();
    key.classList.add("down");
    setTimeout(function () { key.classList.remove("down"); }, 150);
    key.click();
  });
})();
