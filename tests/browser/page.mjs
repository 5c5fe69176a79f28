// Uses the page of a server in headless Chromium as people would: chooses and drops pictures, runs, compares, picks, goes on, cancels,
// downloads, comes back. Fails on console errors, requests to elsewhere, sideways scroll and accessibility violations (axe).
//
// usage: node page.mjs URL [--key KEY] [--program PROGRAM] [--screenshots FOLDER]
//
// The server is one of the embedded editor, as `workspace/server/examples/darkroom.rs` is, with its recipes. With a key, the page is
// expected to ask for it. A program is that example's own file: it is started, killed and started again while the page watches.
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { end, start } from "./server.mjs";

const { values: { key, program, screenshots }, positionals: [given] } = parseArgs({
  options: { key: { type: "string" }, program: { type: "string" }, screenshots: { type: "string" } }, allowPositionals: true,
});
const server = new URL("/", given).href;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const photo = (name) => new URL(`../../examples/photos/${name}.jpg`, import.meta.url).pathname;
const PATIENCE = 60_000;
const complaints = [];
let checks = 0;
const expect = (good, words) => { checks += 1; if (!good) complaints.push(words); };

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

/// A tab at the page, as a person who has the key. `expected`: texts of console errors that the scene brings about.
async function tab({ width = 1400, height = 900, colorScheme = "light", expected = [], hash = "", reducedMotion = "no-preference", ask = true, touch = false, at = server, before }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion, acceptDownloads: true, hasTouch: touch });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  // A server may have no list of recipes; they are then typed.
  const known = [...expected, /404 .*\/v1\/models$/, ...(key ? [/401/] : [])];
  page.on("console", (message) => {
    const where = `${message.text()} ${message.location().url}`;
    if (message.type() === "error" && !known.some((one) => one.test(where))) complaints.push(`console: ${where}`);
  });
  page.on("pageerror", (error) => complaints.push(`script: ${error.stack}`));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(at) && !/^(blob|data):/.test(url)) complaints.push(`loads ${url}`);
    if (key && url.includes(key)) complaints.push(`the key is in an address: ${url}`);
  });
  // Listened for from the beginning, so that none opens before the browser hands it over.
  page.on("filechooser", () => {});
  if (before) await before(page);
  await page.goto(at + hash);
  if (key && ask) {
    await page.locator("#key").waitFor();
    await page.getByRole("textbox", { name: "API key" }).fill(key);
    await page.keyboard.press("Enter");
    await page.locator("#key").waitFor({ state: "hidden" });
  }
  return page;
}

async function look(page, name) {
  if (screenshots) await page.screenshot({ path: `${screenshots}/page-${name}.png` });
}

async function fits(page, where) {
  const [scroll, client] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  expect(scroll <= client, `${where}: scrolls sideways, ${scroll} px in ${client}`);
}

async function accessible(page, where) {
  // Colours that are on their way are none that can be read.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map((each) => each.finished)));
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  expect(violations.length === 0, `${where}: ${violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html.slice(0, 140)).join(" | ")}`).join("; ")}`);
  const small = await page.evaluate(() => [...document.querySelectorAll("button, select, input:not(.quiet), summary, .button, .mark")]
    .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < 40).map((element) => element.outerHTML.slice(0, 80)));
  expect(small.length === 0, `${where}: targets below 40 px: ${small.join(" | ")}`);
}

async function choose(page, name) {
  const chooser = page.waitForEvent("filechooser");
  await page.locator("#drop").click();
  await (await chooser).setFiles(photo(name));
  await page.locator("#preview:not([hidden])").waitFor();
}

async function drop(page, bytes, name, type) {
  const data = await page.evaluateHandle(([base64, name, type]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))], name, { type }));
    return transfer;
  }, [bytes.toString("base64"), name, type]);
  await page.dispatchEvent("body", "dragenter", { dataTransfer: data });
  await page.dispatchEvent("body", "drop", { dataTransfer: data });
}

/// Chooses a recipe, where there is a list of them or not.
async function recipe(form, name) {
  await form.page().waitForLoadState("networkidle");
  const field = form.locator("[name=recipe]");
  if (await field.evaluate((element) => element.tagName) === "SELECT") await field.selectOption(name); else await field.fill(name);
}

const words = (page) => page.locator("#words").textContent();
const ended = (page) => page.waitForFunction(() => !document.querySelector("#run").hidden && document.querySelector("#words").textContent !== "" && document.querySelector("#cancel").hidden);
const shownAs = (page, number) => page.waitForFunction((text) => document.querySelector(".tag.right").textContent === text, `No. ${number}`);
const runOf = (page) => new URLSearchParams(new URL(page.url()).hash.slice(1)).get("run");

/// A run of a small picture that was asked for without the page, when it has ended.
function begun(page, fields) {
  return page.evaluate(async ([fields, headers]) => {
    const canvas = new OffscreenCanvas(24, 16);
    canvas.getContext("2d").fillRect(4, 4, 12, 8);
    const body = new FormData();
    body.append("image", await canvas.convertToBlob(), "small.png");
    for (const [name, text] of Object.entries({ instruction: "make it warmer", ...fields })) body.append(name, text);
    const { id } = await (await fetch("v1/runs", { method: "POST", body, headers })).json();
    const state = async () => (await (await fetch(`v1/runs/${id}`, { headers })).json()).state;
    while (["queued", "running"].includes(await state())) await new Promise((resolve) => { setTimeout(resolve, 200); });
    return id;
  }, [fields, key ? { authorization: `Bearer ${key}` } : {}]);
}

const scenes = {
  async "a picture is chosen, edited, compared, picked, kept and gone on from"() {
    const page = await tab({});
    await look(page, "home-empty");
    await accessible(page, "home");
    await page.locator("#new .primary").click();
    expect(/picture/.test(await page.locator("#new .error").textContent()), "no picture: not said");
    await choose(page, "coffee");
    await page.locator("#new .primary").click();
    expect(/what should change/.test(await page.locator("#new .error").textContent()), "no instruction: not said");
    await page.locator("#new textarea").fill("make it warmer, with a little more contrast");
    await look(page, "home-chosen");
    await page.keyboard.press("Control+Enter");
    await ended(page);
    expect(/best of 8 candidates/.test(await words(page)), `the end is told: ${await words(page)}`);
    expect(await page.locator("#sheet .card").count() === 8, "eight cards");
    await page.waitForFunction(() => [...document.querySelectorAll("#sheet .picture img")].slice(0, 4).every((image) => image.naturalWidth > 0));
    expect(await page.locator("#sheet .parts .bar").count() >= 8, "the parts of the scores are shown");
    expect(await page.locator("#sheet li.best").count() === 1, "one is marked as the best");
    expect(await page.locator("#sheet > li").first().evaluate((card) => card.classList.contains("best")), "the best comes first");
    const judgements = page.locator("#spent div", { hasText: "Judgements" }).locator("dd");
    expect(await judgements.textContent() === "8", "what was spent is told");
    await page.waitForFunction(() => document.querySelector(".slider .after").naturalWidth > 0);
    await look(page, "run");
    await accessible(page, "run");

    const range = page.locator("#slider input");
    await range.focus();
    await page.keyboard.press("Home");
    const at = () => page.locator("#slider").evaluate((element) => element.style.getPropertyValue("--at"));
    expect(await at() === "0%", "the slider follows the keyboard");
    await page.keyboard.press("End");
    expect(await at() === "100%", "the slider follows the keyboard to the other end");
    const box = await page.locator("#slider").boundingBox();
    await page.mouse.click(box.x + box.width / 4, box.y + box.height / 2);
    expect(Math.abs(parseFloat(await at()) - 25) < 5, `the slider follows the pointer: ${await at()}`);

    const other = await page.locator("#sheet .card:not(.best)").first().getAttribute("id");
    const number = Number(other.split("-")[1]);
    await page.locator(`#${other} .picture`).click();
    await shownAs(page, number);
    await page.locator("#left").selectOption({ index: 2 });
    await page.waitForFunction(() => document.querySelector(".tag.left").textContent.startsWith("No. "));
    expect(true, "two candidates are compared");
    await page.locator("#left").selectOption("source");
    await page.locator("#pick").click();
    await page.locator(`#${other} .badge.picked`).waitFor();
    expect(await page.locator("#pick").getAttribute("aria-pressed") === "true", "the pick is told");

    for (const [format, ending] of [["png", "png"], ["jpeg", "jpg"], ["webp", "webp"]]) {
      const waiting = page.waitForEvent("download");
      await page.locator(`.downloads [data-format=${format}]`).click();
      const download = await waiting;
      expect(download.suggestedFilename().endsWith(`-${number}.${ending}`), `a name for ${format}: ${download.suggestedFilename()}`);
      expect(statSync(await download.path()).size > 1000, `the picture as ${format}`);
    }
    const waiting = page.waitForEvent("download");
    await page.locator("#trace").click();
    const trace = JSON.parse(readFileSync(await (await waiting).path(), "utf8"));
    expect(trace.candidates.length === 8 && trace.run === runOf(page), "the trace");

    await page.reload();
    await ended(page);
    await shownAs(page, number);
    expect(await page.locator(`#${other} .badge.picked`).count() === 1, "a reload keeps the place and the pick");

    const first = runOf(page);
    await page.locator("#refine").click();
    await page.locator("#go-on textarea").fill("a little darker");
    await look(page, "go-on");
    await accessible(page, "going on");
    await page.keyboard.press("Control+Enter");
    await page.waitForFunction((first) => !location.hash.includes(first), first);
    await ended(page);
    await page.locator("#chain:not([hidden])").waitFor();
    expect(await page.locator("#title").textContent() === "a little darker", "the refinement is shown");
    expect(await page.locator("#chain a").count() === 2, "the source and the run before are in the chain");
    await page.waitForFunction(() => document.querySelector(".slider .after").naturalWidth > 0);
    await look(page, "chain");
    await accessible(page, "chain");
    await page.locator("#chain a").nth(1).click();
    await page.waitForFunction((first) => location.hash.includes(first), first);
    await shownAs(page, number);
    await page.locator("#onward a").waitFor();
    expect(await page.locator("#onward a").textContent() === "a little darker", "the way on is shown");
    await page.locator(".mark").click();
    await page.locator("#earlier li").nth(1).waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll("#earlier img")].slice(0, 2).every((image) => image.naturalWidth > 0));
    await look(page, "home-earlier");
    await accessible(page, "home with earlier runs");
    await page.locator("#earlier a").first().click();
    await ended(page);
    expect(await page.locator("#title").textContent() === "a little darker", "an earlier run is opened");
    await page.context().close();
  },

  async "a picture is dropped, and a seed and a budget are kept to"() {
    const page = await tab({ width: 768, expected: [/400 .*\/v1\/runs$/] });
    await drop(page, readFileSync(photo("coffee")), "coffee.jpg", "image/jpeg");
    await page.locator("#preview:not([hidden])").waitFor();
    await page.locator("#new textarea").fill("make it black and white");
    await page.locator("#new summary").click();
    await page.locator("#new [name=seed]").fill("-1");
    await page.locator("#new .primary").click();
    expect(/Expected a whole number/.test(await page.locator("#new .error").textContent()), "a bad seed: not said");
    await page.locator("#new [name=seed]").fill("7");
    await page.locator("#new [name=edits]").fill("3");
    await page.locator("#new .primary").click();
    await ended(page);
    expect(await page.locator("#sheet .card").count() === 3, "a budget of three edits");
    expect(/seed 7/.test(await page.locator("#facts").textContent()), "the seed is told");
    await drop(page, Buffer.from("no picture"), "notes.txt", "text/plain");
    await page.locator("#home:not([hidden])").waitFor();
    await page.waitForFunction(() => /no picture/.test(document.querySelector("#new .error").textContent));
    expect(true, "what is no picture is refused in words");
    await drop(page, Buffer.from("no picture either"), "broken.png", "image/png");
    await page.locator("#new textarea").fill("make it warmer");
    await page.locator("#new .primary").click();
    await page.waitForFunction(() => /picture/.test(document.querySelector("#new .error").textContent));
    expect(/annot/.test(await page.locator("#new .error").textContent()), "what the server refuses is told in its words");
    await page.context().close();
  },

  async "what cannot be done fails in words"() {
    const page = await tab({});
    await choose(page, "flower");
    await page.locator("#new textarea").fill("add a hat");
    await page.locator("#new .primary").click();
    await ended(page);
    expect(/^It failed: /.test(await words(page)), `the failure is told: ${await words(page)}`);
    expect(await page.locator("#sheet li.failures").count() === 1, "those that failed alike are one card");
    expect(/8 candidates failed/.test(await page.locator("#sheet li.failures").textContent()), "and are counted");
    await page.waitForFunction(() => document.querySelector(".slider .before").naturalWidth > 0);
    await look(page, "failed");
    await accessible(page, "failed");
    await page.getByRole("button", { name: "Change the instruction" }).click();
    await page.locator(".chosen strong").waitFor();
    expect(await page.locator("#new textarea").inputValue() === "add a hat", "the instruction can be changed");
    expect(/flower/.test(await page.locator(".chosen strong").textContent()), "and the picture is there still");
    await page.context().close();
  },

  async "a run is cancelled, and lineage is shown"() {
    const page = await tab({});
    // Large enough to take a while.
    const large = await page.evaluate(async () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 3200, height: 2400 });
      const context = canvas.getContext("2d");
      for (let row = 0; row < 60; row += 1) { context.fillStyle = `hsl(${row * 6} 60% ${30 + (row % 5) * 10}%)`; context.fillRect(0, row * 40, 3200, 40); }
      const blob = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg"); });
      return btoa(Array.from(new Uint8Array(await blob.arrayBuffer()), (one) => String.fromCharCode(one)).join(""));
    });
    await drop(page, Buffer.from(large, "base64"), "large.jpg", "image/jpeg");
    await page.locator("#new textarea").fill("make it warmer");
    await recipe(page.locator("#new"), "endless");
    await page.locator("#new .primary").click();
    await page.locator("#sheet .score", { hasText: /\d/ }).first().waitFor();
    await look(page, "working");
    await accessible(page, "working");
    await page.locator("#cancel").click();
    await ended(page);
    expect(/cancelled/.test(await words(page)), `cancelling is told: ${await words(page)}`);
    await page.locator("#again").click();
    await choose(page, "pagoda");
    await page.locator("#new textarea").fill("warmer, more contrast");
    await recipe(page.locator("#new"), "beam");
    await page.locator("#new .primary").click();
    await ended(page);
    await page.locator("#lineage .tree li li").first().waitFor();
    expect(await page.locator("#sheet .how a").count() > 0, "cards name their parents");
    await accessible(page, "lineage");
    await page.locator("#lineage a").last().click();
    await page.waitForFunction(() => location.hash.includes("candidate="));
    if (screenshots) await page.screenshot({ path: `${screenshots}/page-lineage.png`, fullPage: true });
    await page.context().close();
  },

  async "a recipe is chosen from the list of them"() {
    const models = [{ id: "quickstart", about: "eight candidates" }, { id: "one", about: "one candidate <b>only</b>" },
      { id: "gpt-image-1", about: "eight candidates", alias_of: "quickstart" }];
    const page = await tab({ before: (page) => page.route("**/v1/models", (route) => route.fulfill({ json: { object: "list", data: models } })) });
    await choose(page, "coffee");
    await page.locator("#new select[name=recipe] option").nth(1).waitFor({ state: "attached" });
    expect(await page.locator("#new select option").count() === 2, "a recipe is listed once, whatever its other names");
    expect(await page.locator("#new select").inputValue() === "quickstart", "the first recipe is the usual one");
    await page.locator("#new select").selectOption("one");
    expect(await page.locator("#new .about").textContent() === models[1].about, "what a recipe is, is told");
    await page.locator("#new textarea").fill("make it brighter");
    await page.locator("#new .primary").click();
    await ended(page);
    expect(await page.locator("#sheet .card").count() === 1, "the chosen recipe is used");
    await page.locator("#refine").click();
    expect(await page.locator("#go-on select").inputValue() === "one", "and offered again to go on");
    await page.context().close();
  },

  async "every width and both schemes"() {
    const begun = await tab({});
    await begun.locator("#earlier a", { hasText: "warmer, with" }).first().click();
    await ended(begun);
    const hash = `#run=${runOf(begun)}`;
    await begun.context().close();
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [360, 768, 1400]) {
        const where = `${width} px, ${colorScheme}`;
        const page = await tab({ width, colorScheme, hash, touch: width === 360 });
        await ended(page);
        await page.waitForFunction(() => document.querySelector(".slider .after").naturalWidth > 0);
        await page.waitForLoadState("networkidle");
        await fits(page, where);
        await accessible(page, where);
        await look(page, `run-${width}-${colorScheme}`);
        if (screenshots) await page.screenshot({ path: `${screenshots}/page-run-${width}-${colorScheme}-full.png`, fullPage: true });
        if (width === 360) {
          const box = await page.locator("#slider").boundingBox();
          await page.touchscreen.tap(box.x + box.width * 0.75, box.y + box.height / 2);
          const at = await page.locator("#slider").evaluate((element) => parseFloat(element.style.getPropertyValue("--at")));
          expect(Math.abs(at - 75) < 6, `${where}: the slider follows a finger: ${at}`);
          await page.locator("#refine").click();
          await fits(page, `${where}, going on`);
        }
        await page.goto(server + "#");
        await page.locator("#earlier li").first().waitFor();
        await fits(page, `${where}, home`);
        await accessible(page, `${where}, home`);
        await look(page, `home-${width}-${colorScheme}`);
        await page.context().close();
      }
    }
    const still = await tab({ reducedMotion: "reduce", hash });
    await ended(still);
    const moving = await still.evaluate(() => document.getAnimations().length + [...document.querySelectorAll("*")]
      .filter((element) => { const style = getComputedStyle(element); return style.animationName !== "none" || /[1-9]/.test(style.transitionDuration); }).length);
    expect(moving === 0, `${moving} things move although less motion is wanted`);
    await still.context().close();
  },

  async "all of it by keyboard"() {
    const page = await tab({});
    await page.evaluate(() => document.activeElement.blur());
    const visited = [];
    for (let presses = 0; presses < 12 && !visited.includes("BUTTON Start"); presses += 1) {
      await page.keyboard.press("Tab");
      visited.push(await page.evaluate(() => `${document.activeElement.tagName} ${document.activeElement.type === "submit" ? document.activeElement.textContent : document.activeElement.name ?? ""}`.trim()));
    }
    expect(["INPUT image", "TEXTAREA instruction", "SUMMARY", "BUTTON Start"].every((one) => visited.includes(one)), `the order of the keyboard: ${visited.join(", ")}`);
    await page.locator("#new input[type=file]").focus();
    const chooser = page.waitForEvent("filechooser");
    await page.keyboard.press("Enter");
    await (await chooser).setFiles(photo("astronaut"));
    await page.locator("#preview:not([hidden])").waitFor();
    await page.locator("#new textarea").focus();
    await page.keyboard.type("brighter");
    await page.keyboard.press("Control+Enter");
    await ended(page);
    const card = page.locator("#sheet .card:not(.best) .picture").first();
    await card.focus();
    await page.keyboard.press("Enter");
    const isPressed = (element) => element.getAttribute("aria-pressed") === "true";
    const pressed = page.waitForFunction(isPressed, await card.elementHandle(), { timeout: 5000 });
    expect(await pressed.then(() => true, () => false), "a card is chosen by keyboard");
    expect(await card.evaluate((element) => element === document.activeElement), "and keeps the focus");
    await page.context().close();
  },

  async "a stream that breaks is taken up again"() {
    let opened = 0;
    const seen = [];
    const proposal = { id: 0, parent: null, edge: "fresh", editor: "darkroom", seed: 1, instruction: "brighter" };
    const event = (id, name, data) => `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
    const trace = { run: "made-up", instruction: "brighter", source_name: "a.png", seed: 0, continues: null, ending: null, reason: null, explanation: null,
      winner: null, ranked: [], candidates: [], rounds: null, ledger: null, draw: null, recipe: "" };
    const status = { id: "made-up", state: "running", message: null, recipe: "quickstart", created: 1_700_000_000, best: null, picked: null };
    const pixel = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
    const page = await tab({ hash: "#run=made-up", ask: false, expected: [/events/, /ERR_CONNECTION|Failed to load/], before: async (page) => {
      await page.route("**/v1/runs?**", (route) => route.fulfill({ json: { data: [] } }));
      await page.route("**/v1/runs/made-up", (route) => route.fulfill({ json: opened > 3 ? { ...status, state: "failed", message: "the editor is away", trace: { ...trace, ending: "search", reason: "stuck", explanation: "no more" } } : { ...status, trace } }));
      await page.route("**/v1/runs/made-up/source**", (route) => route.fulfill({ body: pixel, contentType: "image/png" }));
      await page.route("**/v1/runs/made-up/events", (route) => {
        opened += 1;
        seen.push(route.request().headers()["last-event-id"] ?? null);
        const stream = (body) => route.fulfill({ body, contentType: "text/event-stream" });
        if (opened === 1) return stream(event(0, "started", { run: "made-up", resumed: 0 }) + event(1, "proposed", { round: 0, candidates: [proposal] }) + event(2, "editing", { candidate: 0 }) + event(3, "step", { candidate: 0, step: 3, steps: 8 }));
        if (opened === 2) return route.abort("connectionrefused");
        if (opened === 3) return route.fulfill({ status: 503, json: { error: { message: "the server is shutting down", type: "server_error", param: null, code: "shutting_down" } } });
        return stream(event(0, "ended", { state: "failed", message: "the editor is away", best: null }));
      });
    } });
    await page.locator("#sheet .card progress.steps:not([hidden])").waitFor();
    expect(/Step 3 of 8/.test(await page.locator("#sheet .missing").textContent()), "steps are told");
    await page.locator("#notice span").waitFor();
    expect(/connection/.test(await page.locator("#notice").textContent()), "a lost connection is told");
    await accessible(page, "a lost connection");
    await ended(page);
    expect(/the editor is away/.test(await words(page)), "the page goes on when the server is back");
    expect(await page.locator("#notice").textContent() === "", "and says no more of it");
    expect(seen[1] === "3" && seen[3] === null, `where the stream is taken up: ${JSON.stringify(seen)}`);
    await page.context().close();
  },

  async "hundreds of candidates all have their pictures"() {
    const page = await tab({});
    // More than the addresses that are kept.
    const id = await begun(page, { recipe: "endless", budget: JSON.stringify({ edits: 420 }) });
    await page.goto(`${server}#run=${id}`);
    await ended(page);
    expect(await page.locator("#sheet .card").count() === 420, "a card for each");
    await page.waitForFunction(() => [...document.querySelectorAll("#sheet .picture img")].every((image) => image.naturalWidth > 0));
    expect(true, "every card shows its picture");
    await page.context().close();
  },

  async "who was drawn is told as that"() {
    const page = await tab({});
    const id = await begun(page, { search: JSON.stringify({ reward_weighted: { samples: 6, temperature: 10 } }) });
    await page.goto(`${server}#run=${id}`);
    await ended(page);
    expect(/^Drawn from 6 candidates: No\. \d/.test(await words(page)), `a draw is told: ${await words(page)}`);
    expect((await page.locator("#sheet .badge").allTextContents()).join() === "Chosen", "and marked as one");
    expect(/chance in one draw 0\.\d/.test(await page.locator("#sheet details").first().textContent()), "with its chance");
    await page.context().close();
  },

  async "a run whose files were damaged is told"() {
    const status = { id: "made-up", state: "done", message: null, recipe: "quickstart", instruction: "brighter", continues: null, created: 1_700_000_000, best: null, picked: null };
    const page = await tab({ hash: "#run=made-up", ask: false, expected: [/made-up/], before: async (page) => {
      await page.route("**/v1/runs?**", (route) => route.fulfill({ json: { data: [] } }));
      await page.route("**/v1/runs/made-up", (route) => route.fulfill({ json: { ...status, trace: null } }));
      await page.route("**/v1/runs/made-up/**", (route) => route.fulfill({ status: 404, json: { error: { message: "there is no picture", type: "invalid_request_error", param: null, code: "not_found" } } }));
    } });
    await page.waitForFunction(() => /damaged/.test(document.querySelector("#words").textContent));
    expect(await page.locator("#title").textContent() === "brighter", "what was asked for is told");
    expect(await page.locator("#notice").textContent() === "", "and no server is said to be away");
    await accessible(page, "a damaged run");
    await page.context().close();
  },

  async "what is not there is told"() {
    const page = await tab({ hash: "#run=never-was", expected: [/never-was/] });
    await page.waitForFunction(() => /no such run/.test(document.querySelector("#title").textContent));
    await accessible(page, "no such run");
    expect(await page.locator(".desk").isHidden(), "nothing of a run is shown where there is none");
    await page.context().close();
  },

  async "markup stays text"() {
    const page = await tab({});
    await choose(page, "coffee");
    const text = "<img src=x onerror=alert(1)> <b>warmer</b>";
    await page.locator("#new textarea").fill(text);
    await page.locator("#new .primary").click();
    await ended(page);
    expect(await page.locator("#title").textContent() === text, "an instruction is shown as it was said");
    expect(await page.locator("#title *").count() === 0, "and is no markup");
    await page.context().close();
  },
};

if (key) {
  scenes["the key is asked for, and kept in its tab only"] = async () => {
    const page = await tab({ ask: false });
    await page.locator("#key").waitFor();
    await look(page, "key");
    await accessible(page, "the key");
    await page.getByRole("textbox", { name: "API key" }).fill("es-wrong");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => /not known/.test(document.querySelector("#key .error").textContent));
    expect(true, "a wrong key is told");
    await page.locator("#key .close").click();
    await page.locator("#notice button").click();
    await page.locator("#key").waitFor();
    await page.getByRole("textbox", { name: "API key" }).fill(key);
    await page.keyboard.press("Enter");
    await page.locator("#earlier-section:not([hidden])").waitFor();
    const kept = await page.evaluate(() => [JSON.stringify(sessionStorage), JSON.stringify(localStorage), document.cookie, location.href]);
    expect(kept[0].includes(key) && !kept.slice(1).join("").includes(key), "the key is kept for the tab alone");
    await page.reload();
    await page.locator("#earlier-section:not([hidden])").waitFor();
    expect(await page.locator("#key").isHidden(), "a reload needs no key again");
    await page.context().close();
  };
}

if (program) {
  scenes["a server that is killed, or told to end, and started again"] = async () => {
    const runs = mkdtempSync(join(tmpdir(), "editscale-page-"));
    let { child, url } = await start(program, "127.0.0.1:0", runs);
    try {
      const page = await tab({ at: new URL("/", url).href, ask: false, expected: [/ERR_/] });
      await choose(page, "pagoda");
      await page.locator("#new textarea").fill("make it warmer");
      await recipe(page.locator("#new"), "many");
      await page.locator("#new .primary").click();
      const scored = (count) => page.waitForFunction((count) => [...document.querySelectorAll("#sheet .score")].filter((one) => /\d/.test(one.textContent)).length >= count, count);
      for (const [signal, count] of [["SIGKILL", 4], ["SIGINT", 10]]) {
        await scored(count);
        await end(child, signal);
        await page.waitForFunction(() => /connection/.test(document.querySelector("#notice").textContent));
        expect(true, `${signal}: a server that is gone is told`);
        ({ child } = await start(program, new URL(url).host, runs));
        await page.waitForFunction(() => document.querySelector("#notice").textContent === "");
      }
      await ended(page);
      expect(/best of 64 candidates/.test(await words(page)), `the run goes on to its end: ${await words(page)}`);
      await page.waitForFunction(() => [...document.querySelectorAll("#sheet .score")].every((one) => /\d/.test(one.textContent)));
      expect(await page.locator("#sheet .card").count() === 64, "with all its candidates");
      await page.waitForFunction(() => [...document.querySelectorAll("#sheet .picture img")].every((image) => image.naturalWidth > 0));
      expect(true, "and all their pictures");
      await fits(page, "64 candidates");
      await look(page, "many");
      await page.context().close();
    } finally {
      child.kill("SIGKILL");
      rmSync(runs, { recursive: true, force: true });
    }
  };
}

for (const [name, scene] of Object.entries(scenes)) {
  const before = complaints.length;
  try { await scene(); } catch (error) { complaints.push(error.message.split("\n").slice(0, 4).join(" / ")); }
  for (let place = before; place < complaints.length; place += 1) complaints[place] = `${name}: ${complaints[place]}`;
  for (const context of browser.contexts()) await context.close();
}
await browser.close();
for (const complaint of complaints) console.log(complaint);
console.log(`${checks - Math.min(checks, complaints.length)} passed, ${complaints.length} failed`);
process.exit(complaints.length ? 1 : 0);
