"use strict";
/* Read values date by date, and look closer: mouse, touch or keys. The page is whole without it. */
(() => {
  const make = (parent, name, attributes, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
  };
  const write = (value, kind) => {
    if (value === null || value === undefined) return "\u2014";
    const shown = kind === "percent"
      ? (100 * value).toFixed(1) + "%"
      : value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
    return shown.replace("-", "\u2212");
  };
  const clip = (value, low, high) => Math.min(Math.max(value, low), high);
  const sorted = (values) => [...values].sort((a, b) => a - b);

  const explore = (box, number) => {
    const { times: packed, series } = JSON.parse(box.querySelector("script").textContent);
    const times = packed.slice(0, 1);
    for (let k = 1; k < series[0][2].length; k++)
      times.push(times[k - 1] + packed[packed.length === 2 ? 1 : k]);
    const last = times.length - 1;
    if (last < 1) return;
    const marks = [...box.querySelectorAll(".key b")];
    const ended = marks.map((mark) => mark.textContent);
    const plots = [...box.querySelectorAll(".plot")].map((plot) => {
      const [x0, x1, y0, y1, log, kind, refit] = plot.dataset.axes.split(" ");
      const outer = plot.querySelector("svg");
      const ink = outer.querySelector(".ink");
      make(outer, "g", { class: "tools" });
      return {
        plot, outer, ink, tools: outer.lastChild, height: ink.viewBox.baseVal.height,
        x0: +x0, x1: +x1, y0: +y0, y1: +y1, log: +log, kind, refit: +refit,
      };
    });
    const whole = [plots[0].x0, plots[0].x1];
    const fine = times[1] - times[0] < 86400;
    const date = (when) =>
      new Date(when * 1000).toISOString().slice(0, fine ? 16 : 10).replace("T", " ");
    const hint = number ? "" : ": point, touch or use the arrow keys to read values; "
      + "drag, pinch or + to look closer, Escape to go back";
    let view = whole;
    let at = null;

    const reader = document.createElement("div");
    const set = (name, value) => reader.setAttribute(name, value);
    set("class", "reader");
    set("role", "slider");
    set("tabindex", "0");
    set("aria-label", "Date in " + box.dataset.title);
    set("aria-valuemin", "0");
    set("aria-valuemax", last);
    const back = document.createElement("button");
    back.type = "button";
    back.textContent = "Whole period";
    box.querySelector(".key").before(reader, back);

    const place = (k) => (times[k] - view[0]) / (view[1] - view[0]);
    const seen = (k) => place(k) >= 0 && place(k) <= 1;
    const draw = () => {
      plots.forEach(({ tools }, number) => {
        tools.querySelectorAll(".cross").forEach((old) => old.remove());
        if (at === null || !seen(at)) return;
        const x = 100 * place(at) + "%";
        make(tools, "line", { class: "cross", x1: x, x2: x, y2: "100%" });
        if (number) return;
        const left = place(at) < 0.5;
        make(tools, "text", {
          class: "cross", x, y: 10, dx: left ? 5 : -5, "text-anchor": left ? "start" : "end",
        }, date(times[at]));
      });
      series.forEach(([, plot, values], k) => {
        marks[k].textContent = at === null ? ended[k] : write(values[at], plots[plot].kind);
      });
      reader.textContent = at === null ? "At the end" + hint : date(times[at]);
      set("aria-valuenow", at ?? last);
      set("aria-valuetext", date(times[at ?? last]) + ": "
        + series.map(([name], k) => name + " " + marks[k].textContent).join(", "));
    };

    /* Values between which a plot shows what is in view. */
    const ends = (one, number) => {
      const found = series.filter(([, plot]) => plot === number)
        .flatMap(([, , values]) => values.filter((value, k) => value !== null && seen(k)));
      const [low, high] = [Math.min(...found), Math.max(...found)];
      if (!one.refit || !(high > low)) return [one.y0, one.y1];
      const room = one.log ? (high / low) ** 0.05 : (high - low) * 0.05;
      const [from, to] = one.log ? [low / room, high * room] : [low - room, high + room];
      return [Math.max(from, one.y0), Math.min(to, one.y1)];
    };
    const label = (one, low, high) => {
      for (let k = 0; k <= 4; k++) {
        const y = one.height * (1 - k / 4);
        const value = one.log ? low * (high / low) ** (k / 4) : low + ((high - low) * k) / 4;
        make(one.tools, "line", { class: "rule", x2: "100%", y1: y, y2: y });
        make(one.tools, "text", { x: -7, y: y + 4, "text-anchor": "end" }, write(value, one.kind));
        if (k % 2) continue;
        make(one.tools, "text", {
          x: 25 * k + "%", y: one.height + 16, "text-anchor": ["start", "middle", "end"][k / 2],
        }, date(view[0] + ((view[1] - view[0]) * k) / 4));
      }
    };
    const zoom = (low, high) => {
      const least = 4 * (times[1] - times[0]);
      const short = Math.max(0, least - (high - low)) / 2;
      view = [Math.max(low - short, whole[0]), Math.min(high + short, whole[1])];
      const all = view[0] === whole[0] && view[1] === whole[1];
      back.hidden = all;
      box.classList.toggle("closer", !all);
      plots.forEach((one, number) => {
        const per = 1000 / (one.x1 - one.x0);
        const [low, high] = all ? [one.y0, one.y1] : ends(one, number);
        const share = (value) => one.log
          ? Math.log(value / one.y0) / Math.log(one.y1 / one.y0)
          : (value - one.y0) / (one.y1 - one.y0);
        one.ink.setAttribute("viewBox", [
          per * (view[0] - one.x0), one.height * (1 - share(high)),
          per * (view[1] - view[0]), one.height * (share(high) - share(low)),
        ].join(" "));
        one.tools.replaceChildren();
        if (!all) label(one, low, high);
      });
      draw();
    };

    const nearest = (when) => {
      let [low, high] = [0, last];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (times[middle] > when) high = middle; else low = middle;
      }
      return when - times[low] < times[high] - when ? low : high;
    };
    const fingers = new Map();
    let from = null;
    let held = null;
    for (const one of plots) {
      const share = (event) => {
        const frame = one.outer.getBoundingClientRect();
        return clip((event.clientX - frame.left) / frame.width, 0, 1);
      };
      const when = (part) => view[0] + part * (view[1] - view[0]);
      const on = (name, act) => one.plot.addEventListener(name, act);
      const point = (event) => {
        at = nearest(when(share(event)));
        draw();
      };
      const leave = () => {
        from = held = null;
        fingers.clear();
        for (const { tools } of plots) tools.querySelector(".chosen")?.remove();
      };
      on("pointerdown", (event) => {
        fingers.set(event.pointerId, share(event));
        if (fingers.size === 2) held = sorted(fingers.values()).map(when);
        else if (event.pointerType === "mouse" && !event.button) {
          from = share(event);
          one.plot.setPointerCapture(event.pointerId);
          event.preventDefault();
        }
        point(event);
      });
      on("pointermove", (event) => {
        if (fingers.has(event.pointerId)) fingers.set(event.pointerId, share(event));
        if (held && fingers.size === 2) {
          const [a, b] = sorted(fingers.values());
          const per = (held[1] - held[0]) / Math.max(b - a, 0.02);
          return zoom(held[0] - a * per, held[1] + (1 - b) * per);
        }
        point(event);
        if (from === null) return;
        const [a, b] = sorted([from, share(event)]);
        for (const { tools } of plots) {
          tools.querySelector(".chosen")?.remove();
          make(tools, "rect", {
            class: "chosen", x: 100 * a + "%", width: 100 * (b - a) + "%", height: "100%",
          });
        }
      });
      on("pointerup", (event) => {
        const [a, b] = sorted([from ?? 0, from === null ? 0 : share(event)]);
        leave();
        if (b - a > 0.01) zoom(when(a), when(b));
      });
      on("pointercancel", leave);
      on("pointerleave", (event) => {
        if (event.pointerType !== "mouse" || from !== null) return;
        at = null;
        draw();
      });
      on("dblclick", () => zoom(...whole));
    }
    back.addEventListener("click", () => zoom(...whole));
    reader.addEventListener("blur", () => {
      at = null;
      draw();
    });
    reader.addEventListener("keydown", (event) => {
      const now = at ?? nearest(view[1]);
      const page = Math.ceil(last / 20);
      const move = {
        ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -page, PageUp: page,
        Home: -last, End: last,
      }[event.key];
      const half = (view[1] - view[0]) * ({ "+": 0.25, "-": 1 }[event.key] ?? 0);
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (move) at = clip(now + move, 0, last);
      else if (half) zoom(times[now] - half, times[now] + half);
      else if (event.key === "Escape") {
        at = null;
        zoom(...whole);
      } else return;
      if (at !== null && !seen(at)) {
        const wide = view[1] - view[0];
        const low = clip(times[at] - wide / 2, whole[0], whole[1] - wide);
        zoom(low, low + wide);
      }
      event.preventDefault();
      draw();
    });
    zoom(...whole);
  };
  document.querySelectorAll(".linked").forEach(explore);
})();
