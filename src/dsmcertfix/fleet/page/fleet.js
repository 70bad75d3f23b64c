// The table of a fleet's page: search, sort, filters, details. What comes from results only ever becomes text.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const { hosts, state, states, at, end, cause, causes, causesOf, server, texts, code, detail, certificates, problems } = data;
  const total = hosts.length;
  const DAY = 86400;
  const view = byId("view"), rows = byId("rows"), search = byId("search"), count = byId("count");
  const grid = byId("grid"), dialog = byId("detail"), reset = byId("reset");
  const alarmed = new Set(data.alarmed);
  const whole = new Intl.NumberFormat("en");

  const utc = (seconds, minutes) => {
    const iso = new Date(seconds * 1000).toISOString();
    return minutes ? `${iso.slice(0, 10)} ${iso.slice(11, 16)}` : iso.slice(0, 10);
  };
  const days = (count) => `${whole.format(count)} ${count === 1 ? "day" : "days"} left`;
  const left = (row) => (end[row] < data.made ? "expired" : days(Math.floor((end[row] - data.made) / DAY)));
  const validUntil = (row) => (end[row] === null ? "" : `${utc(end[row])}\n${left(row)}`);
  const ODD = "odd certificate", OLD = "older than a day";
  const isOld = (row) => at[row] !== null && at[row] < data.oldest;
  const seenAt = (row) => (at[row] === null ? "" : utc(at[row], true) + (isOld(row) ? `\n${OLD}` : ""));
  const reasons = (row) => causesOf[row] || (cause[row] < 0 ? [] : [cause[row]]);
  const why = (row) => [...(alarmed.has(row) ? [ODD] : []), ...reasons(row).map((one) => causes[one][1])].join("; ");

  // --- which rows, in which order

  // Texts are ranked when they are first sorted by. What is empty stands last, whichever way the rest is sorted.
  const ranked = (text) => {
    let rank = null;
    return (row) => {
      if (rank === null) rank = new Map([...new Set(hosts.map((_, one) => text(one)))].sort().map((one, place) => [one, place]));
      return text(row) ? rank.get(text(row)) : null;
    };
  };
  // Who needs somebody stands first: alarms, what is broken, then cause by cause.
  const urgency = (row) => {
    if (alarmed.has(row)) return -2;
    if (state[row] === 0) return -1;
    return cause[row] >= 0 ? cause[row] : causes.length + state[row];
  };
  const keys = [
    (row) => row,
    (row) => state[row],
    ranked(why),
    ranked((row) => texts[server[row]]),
    (row) => end[row],
    (row) => at[row],
    (row) => code[row],
  ];
  let sorted = { column: -1, down: false };
  let filter = null;
  let shown = [];
  let active = 0;
  let haystacks = null;

  const haystack = () => {
    if (haystacks === null) {
      haystacks = new Array(total);
      for (let row = 0; row < total; row += 1) {
        const names = reasons(row).map((one) => causes[one][0]);
        const told = [hosts[row], states[state[row]][0], why(row), ...names, texts[server[row]], texts[data.comment[row]]];
        haystacks[row] = (isOld(row) ? [...told, OLD] : told).join("\n").toLowerCase();
      }
    }
    return haystacks;
  };
  const holds = (row, sha256) => detail[row].some((store) => {
    for (let place = 2; place < store.length; place += 2) if (certificates[store[place]][0] === sha256) return true;
    return false;
  }) || (data.presented[row] || []).some((one) => certificates[one][0] === sha256);

  // The address says which rows are shown, so that a link leads to them, from this page or from a letter.
  const filters = {
    state: (value) => [value, (row) => states[state[row]][0] === value],
    cause: (value) => [causes[value][1], (row) => reasons(row).includes(Number(value))],
    certificate: (value) => [`certificate ${certificates[value][0].slice(0, 16)}…`, (row) => holds(row, certificates[value][0])],
    odd: () => [ODD, (row) => alarmed.has(row)],
    older: () => [OLD, isOld],
  };
  const asked = () => {
    const name = location.hash.slice(1), [kind] = name.split("-", 1);
    return byId(name) !== null && Object.hasOwn(filters, kind) ? filters[kind](name.slice(kind.length + 1)) : null;
  };

  const choose = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const texts_ = words.length ? haystack() : null;
    shown = [];
    for (let row = 0; row < total; row += 1) {
      if (filter !== null && !filter[1](row)) continue;
      if (texts_ !== null && !words.every((word) => texts_[row].includes(word))) continue;
      shown.push(row);
    }
    const key = keys[sorted.column] || urgency, way = sorted.down ? -1 : 1;
    const value = new Array(total);
    for (const row of shown) value[row] = key(row);
    shown.sort((a, b) => {
      const one = value[a], other = value[b];
      if (one === other) return a - b;
      if (one === null) return 1;
      if (other === null) return -1;
      return way * (one - other) || a - b;
    });
    active = 0;
    view.scrollTop = 0;
    const some = shown.length === total ? "" : ` of ${whole.format(total)}`;
    count.textContent = `${whole.format(shown.length)}${some} endpoints${filter === null ? "" : `: ${filter[0]}`}`;
    reset.hidden = filter === null && !search.value;
    grid.setAttribute("aria-rowcount", String(shown.length + 1));
    draw();
    align();
  };
  const follow = () => {
    filter = asked();
    for (const link of document.querySelectorAll("a[href^='#']")) {
      if (filter !== null && link.hash === location.hash) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    choose();
    if (filter === null) return;
    byId("endpoints").scrollIntoView();
    view.focus({ preventScroll: true });
  };

  // --- drawing: only what is in view is in the document

  const cells = ["host", "state", "why", "where", "until", "seen", "exit"];
  const pool = [];
  const rowHeight = () => Number.parseInt(getComputedStyle(grid).getPropertyValue("--row"), 10) || 34;
  let height = rowHeight();

  const made = (place) => {
    const row = document.createElement("div");
    row.setAttribute("role", "row");
    row.id = `row-${place}`;
    for (const name of cells) {
      const cell = document.createElement("div");
      cell.setAttribute("role", "gridcell");
      cell.className = name;
      row.append(cell);
    }
    rows.append(row);
    return row;
  };
  const fill = (element, place) => {
    const row = shown[place];
    const [host, how, because, where, until, when, exit] = element.children;
    const name = states[state[row]];
    host.textContent = hosts[row];
    host.title = hosts[row];
    how.textContent = name[0];
    how.className = `state s-${name[0]}`;
    because.textContent = why(row);
    because.title = because.textContent;
    because.className = alarmed.has(row) ? "why alarm" : "why";
    where.textContent = texts[server[row]];
    where.title = where.textContent;
    until.textContent = validUntil(row);
    until.className = end[row] !== null && end[row] < data.made ? "until late" : "until";
    when.textContent = seenAt(row);
    when.className = isOld(row) ? "seen old" : "seen";
    exit.textContent = code[row] === null ? "" : String(code[row]);
    element.style.transform = `translateY(${place * height}px)`;
    element.dataset.place = String(place);
    element.setAttribute("aria-rowindex", String(place + 2));
    const now = place === active;
    element.classList.toggle("active", now);
    element.setAttribute("aria-selected", String(now));
    if (now) view.setAttribute("aria-activedescendant", element.id);
  };
  const draw = () => {
    rows.style.height = `${shown.length * height}px`;
    const first = Math.max(0, Math.floor(view.scrollTop / height) - 4);
    const last = Math.min(shown.length, first + Math.ceil(view.clientHeight / height) + 9);
    for (let number = 0; number < Math.max(last - first, pool.length); number += 1) {
      if (pool.length <= number) pool.push(made(number));
      const used = number < last - first;
      pool[number].hidden = !used;
      pool[number].style.display = used ? "" : "none";
      if (used) fill(pool[number], first + number);
    }
    byId("nothing").hidden = shown.length > 0;
    if (!shown.length) view.removeAttribute("aria-activedescendant");
  };
  // The headings stand above their columns, whether there is a scroll bar beside these or not.
  const align = () => byId("head").style.setProperty("--scrollbar", `${view.offsetWidth - view.clientWidth}px`);
  let waiting = false;
  view.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  });
  addEventListener("resize", () => {
    height = rowHeight();
    draw();
    align();
  });

  // --- keyboard and mouse

  const go = (place) => {
    active = Math.max(0, Math.min(shown.length - 1, place));
    const top = active * height;
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top + height > view.scrollTop + view.clientHeight) view.scrollTop = top + height - view.clientHeight;
    draw();
  };
  view.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !shown.length) return;
    const page = Math.max(1, Math.floor(view.clientHeight / height) - 1);
    const moves = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: shown.length - 1 };
    if (event.key in moves) go(moves[event.key]);
    else if (event.key === "Enter" || event.key === " ") open(shown[active]);
    else return;
    event.preventDefault();
  });
  rows.addEventListener("click", (event) => {
    const row = event.target.closest("[role=row]");
    if (row === null) return;
    go(Number(row.dataset.place));
    open(shown[active]);
  });
  const headers = [...document.querySelectorAll("#head [role=columnheader]")];
  headers.forEach((header, column) => {
    header.querySelector("button").addEventListener("click", () => {
      sorted = { column, down: sorted.column === column && !sorted.down };
      headers.forEach((other, place) => {
        other.setAttribute("aria-sort", place === column ? (sorted.down ? "descending" : "ascending") : "none");
      });
      choose();
    });
  });
  let typing = 0;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(choose, 60);
  });
  reset.addEventListener("click", () => {
    search.value = "";
    location.hash = "endpoints";
    follow();
    search.focus();
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (dialog.open || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    search.focus();
  });
  addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => {
    // A link to where the address is already leads to its rows once more.
    const link = event.target.closest("a[href^='#']");
    if (link === null || link.hash !== location.hash || asked() === null) return;
    event.preventDefault();
    follow();
  });

  // --- the details of one endpoint

  const make = (tag, text, name) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (name) element.className = name;
    return element;
  };
  const told = (list, term, value) => {
    if (value) list.append(make("dt", term), make("dd", value));
  };
  const open = (row) => {
    const name = states[state[row]];
    byId("detail-title").textContent = hosts[row];
    const body = byId("detail-body");
    const list = make("dl");
    list.append(make("dt", "State"), make("dd", `${name[0]}: ${name[1]}`, `s-${name[0]}`));
    told(list, "Causes", why(row));
    if (alarmed.has(row)) list.append(make("dt", "Look here"), make("dd", "It has an odd certificate, one that hardly anybody else has. Compare its fingerprint with the server's cert256.arm; if it is another one, somebody is in between."));
    told(list, "It says", texts[data.comment[row]]);
    if (at[row] !== null) told(list, "Seen at", `${utc(at[row], true)} UTC, by ${texts[data.command[row]]} of dsmcertfix ${texts[data.version[row]]}, exit code ${code[row]}${isOld(row) ? `: ${OLD}` : ""}`);
    else if (code[row] !== null) told(list, "Seen at", `by ${texts[data.command[row]]} of dsmcertfix ${texts[data.version[row]]}, exit code ${code[row]}`);
    const parts = [list];
    for (const [problem, message, hint] of problems[row] || []) {
      parts.push(make("h3", message.charAt(0).toUpperCase() + message.slice(1)));
      if (hint) parts.push(make("p", hint));
      parts.push(make("p", `Code: ${problem}. dsmcertfix explain ${problem} says more.`, "quiet note"));
    }
    for (const store of detail[row]) {
      parts.push(make("h3", `${texts[store[0]] || "A store"}${texts[store[1]] === "unchanged" ? "" : `: ${texts[store[1]]}`}`));
      const table = make("table"), top = make("tr");
      for (const title of ["Certificate", "Status", "Valid until"]) top.append(make("th", title));
      table.append(top);
      for (let place = 2; place < store.length; place += 2) {
        const [sha256, label, of, , until] = certificates[store[place]];
        const line = make("tr"), what = make("td");
        what.append(make("div", texts[label] || texts[of] || "A certificate"), make("div", sha256, "mono quiet"));
        line.append(what, make("td", texts[store[place + 1]]), make("td", until === null ? "" : utc(until)));
        table.append(line);
      }
      if (store.length > 2) parts.push(table);
    }
    body.replaceChildren(...parts);
    dialog.showModal();
  };
  byId("detail-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  document.documentElement.className = "scripted";
  byId("working").hidden = true;
  grid.hidden = false;
  byId("tools").hidden = false;
  follow();
})();
