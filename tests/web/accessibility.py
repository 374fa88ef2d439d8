"""What a person who reads with ears, keys or weak eyes needs of a page, asked of the browser."""

PROBLEMS = r"""
(() => {
  const found = [];
  const name = (e) => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "")
    + (e.getAttribute("class") ? "." + e.getAttribute("class").split(" ").join(".") : "");
  const all = (selector, root) => [...(root ?? document).querySelectorAll(selector)];
  const seen = (e) => e.checkVisibility({ visibilityProperty: true });
  const say = (what, e) =>
    found.push(what + ": " + name(e) + " " + e.textContent.trim().slice(0, 40));

  if (!document.documentElement.lang) found.push("the page has no language");
  if (!document.title) found.push("the page has no title");
  for (const [tag, count] of [["main", 1], ["h1", 1], ["footer", 1]])
    if (all(tag).length !== count) found.push(all(tag).length + " times " + tag);
  if (!document.querySelector("a.skip[href='#main']")) found.push("no link past the navigation");

  let level = 0;
  for (const heading of all("h1, h2, h3, h4")) {
    const own = +heading.tagName[1];
    if (own > level + 1) say("a heading skips a level", heading);
    if (!heading.textContent.trim()) say("an empty heading", heading);
    level = own;
  }
  const ids = all("[id]").map((e) => e.id);
  ids.filter((id, k) => ids.indexOf(id) !== k).forEach((id) => found.push("two elements " + id));
  for (const attribute of ["aria-labelledby", "aria-describedby", "for"])
    for (const e of all("[" + attribute + "]"))
      for (const id of e.getAttribute(attribute).split(" "))
        if (!document.getElementById(id)) say(attribute + " names nothing", e);

  for (const e of all("input:not([type=hidden]), select, textarea"))
    if (seen(e) && !e.labels.length && !e.getAttribute("aria-label")) say("no label", e);
  for (const e of all("a[href], button"))
    if (!(e.textContent.trim() || e.getAttribute("aria-label"))) say("no name", e);
  for (const e of all("svg"))
    if (!e.closest("[aria-hidden=true], [role=img]")) say("a drawing without a text", e);
    else if (e.getAttribute("role") === "img" && !e.getAttribute("aria-label")) say("no text", e);
  for (const e of all("nav, [role=region]"))
    if (!(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby"))) say("no name", e);
  for (const table of all("table")) {
    if (!table.caption) say("a table without a caption", table);
    for (const head of all("th", table)) if (!head.scope) say("no scope", head);
  }
  for (const e of all("*"))
    if (seen(e) && e.scrollWidth > e.clientWidth + 1 && e.tabIndex < 0
      && ["auto", "scroll"].includes(getComputedStyle(e).overflowX)
      && e.scrollWidth - e.clientWidth > 8) say("scrolls, but not by keys", e);
  for (const e of all("a[href], button, input:not([type=hidden]), select, summary")) {
    const box = e.getBoundingClientRect();
    const inline = getComputedStyle(e).display === "inline";
    if (seen(e) && !inline && box.height && box.height < 18) say("too small to hit", e);
  }

  const parse = (colour) => {
    const [r, g, b, a] = colour.match(/[\d.]+/g).map(Number);
    const whole = colour.startsWith("color(srgb") ? 255 : 1;
    return [r * whole, g * whole, b * whole, a ?? 1];
  };
  const over = (top, under) => [0, 1, 2].map((k) => top[k] * top[3] + under[k] * (1 - top[3]));
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((c) => {
      c /= 255;
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== "none") return null;
      const colour = parse(style.backgroundColor);
      if (colour[3] > 0) return colour[3] === 1 ? colour : over(colour, ground(at.parentElement));
    }
    return [255, 255, 255, 1];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const told = new Set();
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !seen(e)) continue;
    if (e.closest("script, .unseen, .skip")) continue;
    const style = getComputedStyle(e), under = ground(e);
    if (!under) continue;
    const drawn = e.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const [a, b] = [light(over(parse(drawn), under)), light(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const sign = !/[\p{L}\p{N}]/u.test(walker.currentNode.textContent);
    const large = sign || size >= 24 || (size >= 18.66 && +style.fontWeight >= 700);
    const where = name(e);
    if (ratio < (large ? 3 : 4.5) && !told.has(where)) {
      told.add(where);
      say("contrast " + ratio.toFixed(2), e);
    }
  }
  return found;
})()
"""
"""Evaluates to a list of what is wrong; empty where nothing is."""
