// Sorts tables by a column, by mouse or keyboard, and marks tables that are wider than the page.
for (const heading of document.querySelectorAll("table.sortable thead th")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...heading.childNodes);
  heading.append(button);
  button.addEventListener("click", () => {
    const down = heading.getAttribute("aria-sort") !== "descending";
    for (const each of heading.parentElement.children) each.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => row.cells[heading.cellIndex].dataset.value ?? row.cells[heading.cellIndex].textContent;
    const compare = (a, b) => {
      if (a === "" || b === "") return (a === "") - (b === "");
      const order = isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
      return down ? -order : order;
    };
    const body = heading.closest("table").tBodies[0];
    body.append(...[...body.rows].sort((a, b) => compare(key(a), key(b))));
  });
}
const mark = () => {
  for (const each of document.querySelectorAll(".wide")) {
    each.parentElement.classList.toggle("scrolls", each.scrollWidth > each.clientWidth + 1);
  }
};
addEventListener("resize", mark);
document.addEventListener("toggle", mark, true);
mark();
const open = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let each = target; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
};
addEventListener("hashchange", open);
open();
