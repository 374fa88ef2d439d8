/* Ages that go on, tables that sort, fields that say they were changed: the pages are whole without. */
(() => {
  /* Counted from the page's own clock, so that a wrong clock of the reader's does no harm. */
  const shown = Date.parse(document.documentElement.dataset.now);
  const opened = performance.now();
  const span = (seconds) => {
    if (seconds < 3600) return Math.floor(seconds / 60) + " min";
    if (seconds < 172800) return Math.floor(seconds / 3600) + " h";
    return Math.floor(seconds / 86400).toLocaleString("en-US") + " days";
  };
  const age = () => {
    const now = shown + performance.now() - opened;
    for (const time of document.querySelectorAll("time[data-age]")) {
      const seconds = (now - Date.parse(time.dateTime)) / 1000;
      const far = span(Math.abs(seconds));
      const text = Math.abs(seconds) < 60 ? "just now" : seconds > 0 ? far + " ago" : "in " + far;
      if (time.textContent !== text) time.textContent = text;
    }
  };
  if (shown) setInterval(age, 30000);

  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value ?? cell.textContent.trim();
  };
  const compare = (a, b) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    return isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
  };
  const sort = (table, head) => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [key(row, head.cellIndex), row]);
    rows.sort(([a], [b]) => (up || a === "" || b === "" ? compare(a, b) : compare(b, a)));
    body.append(...rows.map(([, row]) => row));
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    if (table.tBodies[0].rows.length < 3) continue;
    for (const head of table.querySelectorAll("th[data-sort]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.textContent = head.textContent;
      button.addEventListener("click", () => sort(table, head));
      head.replaceChildren(button);
    }
  }

  for (const input of document.querySelectorAll("input[data-was]")) {
    /* The field shows six digits of what was. */
    const was = Number(input.dataset.was);
    const mark = () => {
      const far = Math.abs(Number(input.value) - was);
      const same = input.value.trim() !== "" && far <= 1e-5 * Math.abs(was);
      input.closest(".field").classList.toggle("changed", !same);
    };
    input.addEventListener("input", mark);
    mark();
  }

  /* A reader that hears the page is brought to the answer that was asked for. */
  if (new URLSearchParams(location.search).has("answer") && document.querySelector("#answer-box .call"))
    document.querySelector("#answer").focus();
})();
