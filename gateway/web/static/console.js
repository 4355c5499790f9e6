// What the pages do beyond plain HTML. Everything works without this file; nothing here decides anything.
"use strict";

// One stream of events for each page that somebody looks at: browsers allow six connections to a host, and an agent has
// more tabs than that. A hidden page lets go and catches up when it is seen again (the server takes `after`).
htmx.createEventSource = function (url) {
  const feed = new EventTarget();
  const address = new URL(url, location.href);
  let source = null;
  let over = false;
  function open() {
    if (source || over || document.hidden) return;
    source = new EventSource(address);
    source.addEventListener("tickets", function (event) {
      address.searchParams.set("after", event.lastEventId);
      feed.dispatchEvent(new Event("tickets"));
    });
    source.onopen = function (event) { show("live"); if (feed.onopen) feed.onopen(event); };
    source.onerror = function (event) { show("lost"); if (feed.onerror) feed.onerror(event); };
  }
  function close() {
    if (source) source.close();
    source = null;
  }
  function look() { if (document.hidden) close(); else open(); }
  document.addEventListener("visibilitychange", look);
  Object.defineProperty(feed, "readyState", { get: function () { return source ? source.readyState : EventSource.CONNECTING; } });
  feed.close = function () { over = true; close(); document.removeEventListener("visibilitychange", look); };
  open();
  return feed;
};

function show(state) {
  const feed = document.getElementById("feed");
  if (feed) { feed.className = state; feed.dataset.words = feed.dataset[state]; }
}

// A part that is fetched again keeps what the reader had unfolded, and never takes away what somebody is writing.
document.addEventListener("htmx:oobBeforeSwap", function (event) {
  const old = document.getElementById(event.detail.target.id);
  if (!old) return;
  if (old.id === "actions" && old.querySelector("details[open]")) { event.detail.shouldSwap = false; return; }
  const fresh = event.detail.fragment;
  for (const details of old.querySelectorAll("details[id]")) {
    const twin = fresh.querySelector("#" + CSS.escape(details.id));
    if (!twin) continue;
    if (twin.outerHTML === details.outerHTML || details.open && details.querySelector("iframe")) twin.replaceWith(details);
    else twin.open = details.open;
  }
});

document.addEventListener("DOMContentLoaded", function () {
  document.documentElement.classList.add("scripted");
  const here = document.querySelector(".top nav [aria-current]");  // on a narrow screen the pages' names scroll
  if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - (here.parentElement.clientWidth - here.offsetWidth) / 2;
  const flash = new URL(location.href);
  if (flash.searchParams.has("done")) {
    flash.searchParams.delete("done");
    history.replaceState(null, "", flash);
  }
});

document.addEventListener("change", function (event) {
  if (event.target.matches("select[data-now]")) event.target.form.requestSubmit();
});

document.addEventListener("click", function (event) {
  const link = event.target.closest("a[href^='#']");
  const goal = link && document.getElementById(link.getAttribute("href").slice(1));
  if (!goal) return;
  if (goal.matches("details")) goal.open = true;
  const field = goal.querySelector("textarea");
  if (field) { event.preventDefault(); field.focus({ preventScroll: true }); goal.scrollIntoView({ block: "center" }); }
});

document.addEventListener("keydown", function (event) {
  const typing = event.target.closest("input, textarea, select");
  if (typing && event.key === "Enter" && (event.ctrlKey || event.metaKey) && typing.form) typing.form.requestSubmit();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const field = document.querySelector("[data-key='" + CSS.escape(event.key) + "']");
  if (field) { event.preventDefault(); field.focus(); field.select(); }
});
