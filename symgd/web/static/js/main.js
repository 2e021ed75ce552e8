/* The page starts here: the tabs, the examples, the link and the way back. */

import { start as startCheck } from "./check.js";
import { onAnswer, start as startDerive } from "./derive.js";
import { toast, copy } from "./dom.js";
import { startExamples } from "./examples.js";
import { start as startField } from "./mathfield.js";
import { start as startSolve } from "./solve.js";
import { changed, link, on, recall, state } from "./state.js";

const TABS = ["derive", "check", "solve"];
const tabOf = (name) => document.getElementById(`tab-${name}`);
const panelOf = (name) => document.getElementById(`panel-${name}`);

function showTab() {
  for (const name of TABS) {
    const chosen = name === state.tab;
    tabOf(name).setAttribute("aria-selected", String(chosen));
    tabOf(name).tabIndex = chosen ? 0 : -1;
    panelOf(name).hidden = !chosen;
  }
  document.title = `symgd · ${state.tab}`;
}

function choose(name, focus = false) {
  if (!TABS.includes(name)) return;
  if (focus) tabOf(name).focus();
  if (name === state.tab) return;
  state.tab = name;
  changed("tab", { kept: true });
}

function startTabs() {
  for (const name of TABS) tabOf(name).addEventListener("click", () => choose(name));
  document.querySelector('[role="tablist"]').addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const place = TABS.indexOf(state.tab);
    if (step) choose(TABS[(place + step + TABS.length) % TABS.length], true);
    else if (event.key === "Home") choose(TABS[0], true);
    else if (event.key === "End") choose(TABS[TABS.length - 1], true);
    else return;
    event.preventDefault();
  });
  on("tab all", showTab);
  showTab();
}

async function share() {
  const { address, tooLong } = await link();
  await copy(address, tooLong ? "Link copied, without the data: they are too long for a link" : "Link copied");
}

function startPage() {
  startField();
  startDerive();
  startCheck(onAnswer);
  startSolve(onAnswer);
  startTabs();
  startExamples();
  document.getElementById("share-button").addEventListener("click", share);
  document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  });
  addEventListener("popstate", recall);
  addEventListener("hashchange", async () => {
    if (!(await recall())) toast("This link cannot be read; the page stays as it is");
  });
}

const known = await recall();
if (!TABS.includes(state.tab)) state.tab = "derive";
startPage();
if (!known) toast("This link cannot be read; here is the page from its beginning");
