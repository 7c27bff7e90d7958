"use strict";

// Everything here makes pages nicer that work without it.

const announce = (text) => {
  document.getElementById("announcer").textContent = text;
};

// Times in the viewer's own zone.
const localiseTimes = (root) => {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  for (const element of root.querySelectorAll("time[datetime]")) {
    const at = new Date(element.dateTime);
    element.textContent = format.format(at);
    element.title = at.toISOString();
  }
};

// Copying.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = button.dataset.copy;
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
  } else {
    // Over plain http there is no clipboard: the old way, with a field that is there for a moment.
    const field = document.createElement("textarea");
    field.value = text;
    button.after(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
  button.classList.add("text-green");
  announce(document.getElementById("announcer").dataset.copied);
  setTimeout(() => button.classList.remove("text-green"), 1500);
});

// A key that leads to a field, unless one is typing.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const field = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (field) {
    event.preventDefault();
    field.focus();
    field.select();
  }
});

// Links that open a form or a question in a dialog; its page has the same form in #dialog-part.
const dialog = document.getElementById("dialog");
document.addEventListener("click", async (event) => {
  if (event.target.closest("#dialog [data-close-dialog]")) {
    event.preventDefault();
    dialog.close();
    return;
  }
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
  const part = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("dialog-part");
  if (!answer.ok || !part) {
    location.href = link.href;
    return;
  }
  document.getElementById("dialog-title").textContent = part.dataset.title;
  document.getElementById("dialog-content").replaceChildren(part);
  window.htmx?.process(part);
  prepare(part);
  dialog.showModal();
  part.querySelector("input:not([type=hidden]), select, textarea")?.focus();
});

// Fields that send their form when they change.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  if (event.target.matches("[data-check-all]")) {
    for (const box of document.querySelectorAll(`input[name="${CSS.escape(event.target.dataset.checkAll)}"]`)) {
      box.checked = event.target.checked;
    }
  }
});

// Boxes that tick all of their row, column or table; without JavaScript they would do nothing, so they are hidden then.
document.addEventListener("change", (event) => {
  const { target } = event;
  if (!target.matches("[data-tick]")) return;
  const { tick } = target.dataset;
  const column = target.closest("td, th").cellIndex;
  for (const row of target.closest("table").rows) {
    if (tick === "row" && row !== target.closest("tr")) continue;
    for (const box of (tick === "column" ? row.cells[column] : row).querySelectorAll("input[type=checkbox]")) {
      if (!box.hasAttribute("data-tick") || tick === "table") box.checked = target.checked;
    }
  }
});

// The switch of light and dark goes by what is shown, which may be the system's choice.
for (const form of document.querySelectorAll("[data-theme-form]")) {
  form.addEventListener("submit", () => {
    const shown = document.documentElement.getAttribute("data-bs-theme");
    form.elements.theme.value = shown === "dark" ? "light" : "dark";
  });
}

// Charts.
const bytes = (value) => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let at = 0;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${Math.round(value * 10) / 10} ${units[at]}`;
};

const drawChart = (figure) => {
  if (!window.Chart || figure.dataset.drawn) return;
  figure.dataset.drawn = "yes";
  const data = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
  const style = getComputedStyle(document.documentElement);
  const colours = ["blue", "green", "orange", "purple", "cyan", "red", "yellow", "teal"].map((name) => style.getPropertyValue(`--tblr-${name}`));
  const written = data.unit === "bytes" ? bytes : (value) => value.toLocaleString(document.documentElement.lang);
  const round = data.kind === "doughnut";
  // As the figure's own text is drawn: a colour of the kit is a formula that a canvas cannot read.
  const shown = getComputedStyle(figure);
  const muted = shown.color;
  const lines = shown.borderTopColor;
  new Chart(figure.querySelector("canvas"), {
    type: data.kind,
    data: {
      labels: data.labels,
      datasets: Object.entries(data.series).map(([label, values], at) => ({
        label,
        data: values,
        borderColor: round ? "transparent" : colours[at % colours.length],
        backgroundColor: round ? colours : colours[at % colours.length],
        tension: 0.2,
        pointRadius: 2,
      })),
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      color: muted,
      scales: round ? {} : { y: { beginAtZero: true, ticks: { callback: written, color: muted }, grid: { color: lines } }, x: { ticks: { color: muted }, grid: { color: lines } } },
      plugins: {
        legend: { display: round || Object.keys(data.series).length > 1, labels: { color: muted } },
        tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${written(round ? item.parsed : item.parsed.y)}` } },
      },
    },
  });
};

// Logs that grow: stay at the end, if one is there, else where one reads.
let reading = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const log = event.detail.target.querySelector(".log");
  reading = log && log.scrollHeight - log.scrollTop - log.clientHeight >= 40 ? log.scrollTop : null;
});
const placeLogs = (root) => {
  for (const log of root.querySelectorAll(".log")) log.scrollTop = reading ?? log.scrollHeight;
};
document.querySelectorAll("[hx-get] .log").forEach((log) => (log.scrollTop = log.scrollHeight));

// The tab that is open may lie beyond the edge of a narrow window.
document.querySelector(".tabs .active")?.scrollIntoView({ block: "nearest", inline: "center" });

const prepare = (root) => {
  for (const element of root.querySelectorAll("[data-enhanced]")) element.hidden = false;
  localiseTimes(root);
  root.querySelectorAll("[data-chart]").forEach(drawChart);
};

prepare(document);
document.addEventListener("htmx:load", (event) => {
  prepare(event.detail.elt);
  if (event.detail.elt !== document.body) placeLogs(event.detail.elt);
});
