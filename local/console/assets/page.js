// The page works without this. With it, the list follows the jobs by itself, clocks
// run, and files can be dropped anywhere.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);

  // Clocks. They read like Go's clock() in the page's package.
  const two = (n) => String(n).padStart(2, "0");
  const clock = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000));
    return s < 3600
      ? `${Math.floor(s / 60)}:${two(s % 60)}`
      : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  };
  setInterval(() => {
    for (const e of document.querySelectorAll("[data-since]")) {
      const shown = clock(Date.now() - Number(e.dataset.since));
      if (e.textContent !== shown) e.textContent = shown;
    }
  }, 1000);

  // The list. Entries that show the same stay untouched: a film may be playing.
  const patchList = (old, next) => {
    const had = new Map([...old.children].map((e) => [e.id, e]));
    const want = [...next.children].map((e) => {
      const was = had.get(e.id);
      return was && was.dataset.version === e.dataset.version ? was : e;
    });
    for (const e of [...old.children]) if (!want.includes(e)) e.remove();
    let at = old.firstElementChild;
    for (const e of want) {
      if (e === at) at = at.nextElementSibling;
      else old.insertBefore(e, at);
    }
  };
  const patch = (html) => {
    const doc = new DOMParser().parseFromString(html, "text/html");
    patchList(byId("jobs"), doc.getElementById("jobs"));
    for (const id of ["status", "more", "messages"]) {
      const old = byId(id), next = doc.getElementById(id);
      if (old.innerHTML !== next.innerHTML) old.replaceChildren(...next.childNodes);
    }
  };

  // The stream. A hidden page gives its connection back: browsers allow six a host.
  const board = byId("board"), offline = byId("offline");
  let source = null, retry = 0, mark = "";
  const stop = () => {
    clearTimeout(retry);
    if (source) source.close();
    source = null;
  };
  const follow = () => {
    stop();
    const url = new URL(board.dataset.events, location.href);
    if (mark) url.searchParams.set("mark", mark);
    source = new EventSource(url);
    source.onopen = () => { offline.hidden = true; };
    source.addEventListener("board", (e) => {
      mark = e.lastEventId;
      patch(e.data);
    });
    source.onerror = () => {
      offline.hidden = false;
      if (source && source.readyState === EventSource.CLOSED) retry = setTimeout(follow, 5000);
    };
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : follow()));
  addEventListener("pagehide", stop);
  if (!document.hidden) follow();

  // The form.
  const form = byId("form"), send = byId("send");
  const inputs = { picture: byId("picture"), recording: byId("recording") };
  const label = send.textContent;
  const check = (input) => {
    const large = [...input.files].find((f) => f.size > Number(input.dataset.max));
    input.setCustomValidity(large ? `${large.name}: ${form.dataset.tooLarge}` : "");
    if (large) input.reportValidity();
  };
  for (const input of Object.values(inputs)) input.addEventListener("change", () => check(input));
  form.addEventListener("submit", () => {
    send.disabled = true;
    send.textContent = form.dataset.sending;
  });
  addEventListener("pageshow", () => {
    send.disabled = false;
    send.textContent = label;
  });

  // Dropped files go into the fields, each by its name.
  for (const e of document.querySelectorAll(".with-script")) e.hidden = false;
  const fits = (input, file) => input.accept.split(",").some((end) => file.name.toLowerCase().endsWith(end));
  const carriesFiles = (e) => [...(e.dataTransfer?.types || [])].includes("Files");
  let depth = 0;
  const over = (n) => {
    depth = Math.max(0, n);
    document.body.classList.toggle("dropping", depth > 0);
  };
  document.addEventListener("dragenter", (e) => { if (carriesFiles(e)) over(depth + 1); });
  document.addEventListener("dragleave", (e) => { if (carriesFiles(e)) over(depth - 1); });
  document.addEventListener("dragover", (e) => { if (carriesFiles(e)) e.preventDefault(); });
  document.addEventListener("drop", (e) => {
    if (!carriesFiles(e)) return;
    e.preventDefault();
    over(0);
    for (const input of Object.values(inputs)) {
      const mine = [...e.dataTransfer.files].filter((f) => fits(input, f));
      if (!mine.length) continue;
      const chosen = new DataTransfer();
      for (const f of input.multiple ? mine : mine.slice(0, 1)) chosen.items.add(f);
      input.files = chosen.files;
      check(input);
    }
    send.focus();
  });

  // What an upload has come to is said once, not again on a reload.
  if (byId("handed")) history.replaceState(null, "", location.pathname);
})();
