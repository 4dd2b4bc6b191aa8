// The page works without this. With it, the list follows the jobs by itself, clocks
// run, files and folders can be dropped anywhere, and their price is shown at once.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const parse = (html) => new DOMParser().parseFromString(html, "text/html");

  // Clocks. They read like Go's clock() in the page's package.
  const two = (n) => String(n).padStart(2, "0");
  const clock = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000));
    return s < 3600
      ? `${Math.floor(s / 60)}:${two(s % 60)}`
      : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  };
  // What is on the screen alone: a clock nobody sees need not run.
  const near = new Set();
  const watch = new IntersectionObserver((entries) => {
    for (const e of entries) {
      e.isIntersecting ? near.add(e.target) : near.delete(e.target);
      if (!e.isIntersecting) continue;
      // The first picture of a film is its poster, fetched when it comes into view.
      const film = e.target.querySelector('video[preload="none"]');
      if (film) film.preload = "metadata";
    }
  }, { rootMargin: "200px" });
  for (const card of document.querySelectorAll(".job")) watch.observe(card);
  setInterval(() => {
    for (const card of near) {
      const e = card.querySelector("[data-since]");
      if (!e) continue;
      const shown = clock(Date.now() - Number(e.dataset.since));
      if (e.textContent !== shown) e.textContent = shown;
    }
  }, 1000);

  // What is said to a screen reader: states that changed, not their whole cards.
  const said = byId("said");
  const announce = (changes) => {
    if (!changes.length) return;
    said.textContent = changes.length > 3
      ? said.dataset.many.replace("12345", changes.length)
      : changes.map(([name, state]) => said.dataset.single.replace("%1", () => name).replace("%2", () => state)).join(" ");
  };

  // The list. Only elements that show something else are replaced: a film may be
  // playing, and somebody may be in the middle of a card with the keyboard.
  const list = byId("jobs");
  const textOf = (card, what) => card.querySelector(what)?.textContent || "";
  const replace = (old, next) => {
    const at = old.contains(document.activeElement) ? document.activeElement : null;
    next.querySelectorAll("details").forEach((d, i) => { d.open = old.querySelectorAll("details")[i]?.open || false; });
    if (next.tagName === "DETAILS") next.open = old.open;
    watch.unobserve(old);
    near.delete(old);
    old.replaceWith(next);
    if (next.matches(".job")) watch.observe(next);
    if (!at) return;
    const same = [...next.querySelectorAll("a, button, summary, video")].find((e) => e.tagName === at.tagName && e.textContent === at.textContent);
    (same || next).focus({ preventScroll: true });
  };
  const patch = (html) => {
    const begin = performance.now();
    const doc = parse(html);
    const come = new Map(), changes = [];
    for (const card of doc.querySelectorAll("body > li")) {
      const old = byId(card.id);
      if (!old) come.set(card.id, card);
      else if (old.dataset.version !== card.dataset.version) {
        if (textOf(old, ".badge") !== textOf(card, ".badge")) changes.push([textOf(card, ".stem"), textOf(card, ".badge")]);
        replace(old, card);
      }
    }
    const order = doc.getElementById("order");
    if (order) {
      const ids = order.dataset.ids.split(" "), wanted = new Set(ids);
      for (const e of [...list.children]) if (!wanted.has(e.id)) { watch.unobserve(e); near.delete(e); e.remove(); }
      let at = list.firstElementChild;
      for (const id of ids) {
        const e = come.get(id) || byId(id);
        if (!e) continue;
        if (e === at) { at = at.nextElementSibling; continue; }
        list.insertBefore(e, at);
        if (come.has(id) && e.matches(".job")) {
          watch.observe(e);
          changes.push([textOf(e, ".stem"), textOf(e, ".badge")]);
        }
      }
    }
    for (const id of ["status", "more", "messages"]) {
      const old = byId(id), next = doc.getElementById(id);
      if (next && old.innerHTML !== next.innerHTML) replace(old, next);
    }
    announce(changes);
    performance.measure("emodrop-board", { start: begin });
  };
  const places = (all) => {
    for (const [id, text] of Object.entries(all)) {
      const e = byId(`place-${id}`);
      if (!e || e.textContent === text) continue;
      e.textContent = text;
      e.parentElement.hidden = !text;
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
    source.addEventListener("places", (e) => places(JSON.parse(e.data)));
    source.onerror = () => {
      offline.hidden = false;
      if (source && source.readyState === EventSource.CLOSED) retry = setTimeout(follow, 5000);
    };
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : follow()));
  addEventListener("pagehide", stop);
  if (!document.hidden) follow();

  // What has come of something is shown where one looks, until the next click.
  const done = byId("done");
  const tell = (ok, text) => {
    done.className = `notice toast ${ok ? "good" : "bad"}`;
    done.firstElementChild.textContent = text;
    done.hidden = !text;
  };
  addEventListener("click", () => { if (done.classList.contains("toast")) tell(true, ""); });
  const form = byId("form"), busy = byId("busy");
  const post = async (url, body, signal) => {
    try {
      const r = await fetch(url, { method: "POST", body, signal, headers: { Accept: "application/json" } });
      return await r.json();
    } catch (e) {
      if (e.name === "AbortError") throw e;
      return { ok: false, text: form.dataset.offline };
    }
  };

  // A button that is disabled would lose the keyboard, so it only says that it is.
  const off = (button, yes) => button.setAttribute("aria-disabled", String(yes));
  const isOff = (button) => button.getAttribute("aria-disabled") === "true";

  // Cancel and retry. The card follows by the stream.
  document.addEventListener("submit", async (e) => {
    if (!e.target.matches(".decide")) return;
    e.preventDefault();
    const button = e.target.querySelector("button");
    if (isOff(button)) return;
    off(button, true);
    const { ok, text } = await post(e.target.action, new URLSearchParams(new FormData(e.target)));
    off(button, false);
    tell(ok, text);
  });

  // Files. They are checked as soon as they are chosen, and sent by a click.
  const send = byId("send"), over = byId("over"), plan = byId("plan"), folder = byId("folder");
  const files = byId("files"), tree = byId("tree");
  const label = send.textContent;
  let picked = new Map(), plans = null, checking = null;
  const bodyOf = (chosen) => {
    const body = new FormData();
    body.append("folder", folder.value);
    for (const [path, file] of chosen) body.append("file", file, path);
    return body;
  };
  const reset = () => {
    checking?.abort();
    picked = new Map();
    plans = null;
    plan.hidden = over.hidden = true;
    send.textContent = label;
    off(send, false);
    busy.textContent = "";
    files.value = tree.value = "";
  };
  const check = async () => {
    checking?.abort();
    if (!picked.size) return;
    const mine = checking = new AbortController();
    off(send, true);
    over.hidden = false;
    busy.className = "hint";
    busy.textContent = form.dataset.checking;
    try {
      const c = await post("/check", bodyOf(picked), mine.signal);
      plans = c.ok ? c : null;
      plan.replaceChildren(...parse(c.html || "").body.childNodes);
      plan.hidden = !c.html;
      send.textContent = c.films ? c.button : label;
      off(send, !c.films);
      // The button says it to those who see it.
      busy.className = c.films ? "unseen" : "hint";
      busy.textContent = c.text;
      if (c.films) send.focus({ preventScroll: true });
    } catch { /* other files were chosen meanwhile */ }
  };
  const add = (all) => {
    for (const [path, file] of all) picked.set(path, file);
    check();
  };
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    if (!picked.size) return files.click();
    if (isOff(send) || !plans?.films) return;
    off(send, true);
    send.textContent = form.dataset.sending;
    const all = [...picked];
    const { ok, text } = await post("/upload", bodyOf(plans.send.map((i) => all[i])));
    tell(ok, text);
    if (ok) reset();
    else check();
  });
  over.addEventListener("click", () => { reset(); byId("choose-files").focus(); });
  folder.addEventListener("change", check);
  byId("choose-files").addEventListener("click", () => files.click());
  byId("choose-folder").addEventListener("click", () => tree.click());
  files.addEventListener("change", () => add([...files.files].map((f) => [f.name, f])));
  tree.addEventListener("change", () => add([...tree.files].map((f) => [f.webkitRelativePath, f])));
  byId("fields").hidden = true;
  byId("zone").hidden = false;

  // Dropped anywhere on the page, whole folders too.
  const read = async (entry) => {
    if (entry.isFile) return [[entry.fullPath.slice(1), await new Promise((ok, no) => entry.file(ok, no))]];
    const reader = entry.createReader(), all = [];
    for (;;) { // a reader gives a hundred at a time
      const some = await new Promise((ok, no) => reader.readEntries(ok, no));
      if (!some.length) return all;
      for (const e of some) all.push(...await read(e));
    }
  };
  const carriesFiles = (e) => [...(e.dataTransfer?.types || [])].includes("Files");
  let depth = 0;
  const hover = (n) => {
    depth = Math.max(0, n);
    document.body.classList.toggle("dropping", depth > 0);
  };
  document.addEventListener("dragenter", (e) => { if (carriesFiles(e)) hover(depth + 1); });
  document.addEventListener("dragleave", (e) => { if (carriesFiles(e)) hover(depth - 1); });
  document.addEventListener("dragover", (e) => { if (carriesFiles(e)) e.preventDefault(); });
  document.addEventListener("drop", async (e) => {
    if (!carriesFiles(e)) return;
    e.preventDefault();
    hover(0);
    const entries = [...e.dataTransfer.items].map((i) => i.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.length) return add([...e.dataTransfer.files].map((f) => [f.name, f]));
    const all = [];
    for (const entry of entries) all.push(...await read(entry));
    add(all);
  });

  // What a form has come to is said once, not again on a reload.
  if (!done.hidden) history.replaceState(null, "", location.pathname + location.hash);
})();
