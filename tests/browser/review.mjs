// Reviews a choice in headless Chromium as people would: with the keyboard, with the mouse, comparing, undoing, two at once; then reads
// what is on disk. Fails on console errors, requests to elsewhere, sideways scroll and accessibility violations (axe).
//
// usage: node review.mjs PROGRAM [SCREENSHOTS]
//
// The program is `workspace/curate/examples/reviewing.rs`, built.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [program, screenshots] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const complaints = [];
let checks = 0;
const expect = (good, words) => { checks += 1; if (!good) complaints.push(words); };

const folder = mkdtempSync(join(tmpdir(), "review-"));
function start() {
  const child = spawn(program, [folder], { stdio: ["pipe", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    child.once("exit", () => reject(new Error("the review ended at once")));
    child.stdout.once("data", (told) => resolve({ child, address: String(told).trim() }));
  });
}
async function kill(child) {
  const gone = new Promise((resolve) => { child.once("exit", resolve); });
  child.kill("SIGKILL");
  await gone;
}
const onDisk = () => readFileSync(join(folder, "review.jsonl"), "utf8").trim().split("\n").filter(Boolean).map((line) => JSON.parse(line));

let { child, address } = await start();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

async function tab({ width = 1280, height = 900, colorScheme = "light", at = address, expected } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme });
  const page = await context.newPage();
  page.on("console", (message) => { if (message.type() === "error" && !expected?.test(message.text())) complaints.push(`console: ${message.text()}`); });
  page.on("pageerror", (error) => complaints.push(`script: ${error.stack}`));
  page.on("request", (request) => { if (!request.url().startsWith(new URL(at).origin) && !/^(data|blob):/.test(request.url())) complaints.push(`loads ${request.url()}`); });
  await page.goto(at);
  await page.locator("#stage .said, #stage .three, #stage .cards").first().waitFor();
  return page;
}
async function look(page, name) {
  await page.waitForLoadState("networkidle");
  const [scroll, client] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  expect(scroll <= client, `${name}: scrolls sideways, ${scroll} px in ${client}`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  expect(violations.length === 0, `${name}: ${violations.map((each) => `${each.id}: ${each.nodes[0].html.slice(0, 160)}`).join("; ")}`);
  if (screenshots) await page.screenshot({ path: `${screenshots}/review-${name}.png`, fullPage: true });
}
/// Does something, and waits until as many verdicts are on disk.
async function until(count, act) {
  await act();
  for (let tries = 0; tries < 300 && onDisk().length < count; tries += 1) await new Promise((resolve) => { setTimeout(resolve, 50); });
  expect(onDisk().length === count, `${onDisk().length} verdicts on disk, expected ${count}`);
}
const count = (page, text) => page.locator("#stage .count", { hasText: text }).waitFor();

// With the keyboard alone.
const page = await tab();
expect(!page.url().includes("token"), `the token stays in the address: ${page.url()}`);
await look(page, "one-light");
await count(page, "1 of ");
await until(1, () => page.keyboard.press("k"));
await count(page, "2 of ");
await until(2, () => page.keyboard.press("d"));
await count(page, "3 of ");
await page.keyboard.press("s");
await count(page, "4 of ");
await page.keyboard.press("ArrowLeft");
await count(page, "3 of ");
await until(3, () => page.keyboard.press("u"));
await page.locator("#told", { hasText: "Undone" }).waitFor();
const [first, second, third] = onDisk();
expect(first.verdict === "keep" && first.who === "anna" && first.version === 1, `the first is ${JSON.stringify(first)}`);
expect(second.verdict === "drop" && third.verdict === "withdraw" && third.row === second.row, "undo takes the last verdict back");
await page.locator("#who").fill("kim");
await page.evaluate(() => document.activeElement.blur());
const slider = page.locator(".slider input");
await slider.focus();
await page.keyboard.press("Home");
expect(await page.locator(".slider").evaluate((element) => element.style.getPropertyValue("--at")) === "0%", "the slider does not follow the keyboard");

// Two, to compare.
await page.locator("#view").selectOption("pairs");
await page.locator("#stage .three").waitFor();
await look(page, "pairs-light");
await page.evaluate(() => document.activeElement.blur());
const before = onDisk().length;
await until(before + 1, () => page.keyboard.press("2"));
const compared = onDisk().at(-1);
expect(compared.verdict === "better-than" && compared.candidate === 1 && compared.than === 0 && compared.who === "kim", `compared: ${JSON.stringify(compared)}`);

// Many at once, and another reviewer meanwhile.
await page.locator("#view").selectOption("grid");
await page.locator("#fate").selectOption("dropped");
await page.locator("#stage .cards").waitFor();
await look(page, "grid-light");
const other = await tab({ colorScheme: "dark" });
await look(other, "one-dark");
const [so, far] = [onDisk().length, page.locator("#stage .card button.keep").first()];
await until(so + 1, () => far.click());
await until(so + 2, () => other.keyboard.press("d"));
await page.locator("#stage .card.drop, #stage .card.keep").first().waitFor();

// A kill loses nothing, and the page says what happened.
const told = onDisk().length;
const untroubled = complaints.length;
await kill(child);
await other.keyboard.press("k");
await other.locator("#told", { hasText: "does not answer" }).waitFor().catch(() => complaints.push("a server that is gone is not told of"));
expect(onDisk().length === told, "a verdict was lost or made up in a kill");
({ child, address } = await start());
const again = await tab({ width: 360, height: 780, at: address });
await again.locator("#lead", { hasText: /^[1-9]\d* of / }).waitFor();
await look(again, "one-phone");
await again.locator("#view").selectOption("pairs");
await look(again, "pairs-phone");
expect(readFileSync(join(folder, "report.html"), "utf8").includes("What people said"), "the report does not tell of the verdicts");

await browser.close();
const report = spawnSync(process.execPath, ["report.mjs", join(folder, "report.html"), ...(screenshots ? [screenshots] : [])], { cwd: import.meta.dirname, encoding: "utf8" });
expect(report.status === 0, `the report: ${report.stdout}`);
await kill(child);
rmSync(folder, { recursive: true });
// What was under way when the server was killed, pictures above all, broke off, and what came after it was refused.
const brokenOff = /ERR_(CONNECTION_(REFUSED|RESET|CLOSED)|SOCKET_NOT_CONNECTED|EMPTY_RESPONSE)/;
const known = complaints.filter((words, at) => at < untroubled || !brokenOff.test(words));
for (const complaint of known) console.log(complaint);
console.log(`${checks - Math.min(checks, known.length)} passed, ${known.length} failed`);
process.exit(known.length ? 1 : 0);
