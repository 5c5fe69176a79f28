// Opens a report in headless Chromium as people would: at three widths, light and dark. Fails on console errors, requests to elsewhere,
// sideways scroll, accessibility violations (axe) and a file beyond 5 MB.
//
// usage: node report.mjs REPORT.html [SCREENSHOTS]
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [report, screenshots] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const complaints = [];
let checks = 0;
const expect = (good, words) => { checks += 1; if (!good) complaints.push(words); };

expect(statSync(report).size <= 5 << 20, "the report is larger than 5 MB");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
for (const colorScheme of ["light", "dark"]) {
  for (const width of [360, 768, 1280]) {
    const where = `${width} px, ${colorScheme}`;
    const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
    page.on("console", (message) => { if (message.type() === "error") complaints.push(`${where}: console: ${message.text()}`); });
    page.on("pageerror", (error) => complaints.push(`${where}: script: ${error.message}`));
    page.on("request", (request) => { if (!/^(file|data):/.test(request.url())) complaints.push(`${where}: loads ${request.url()}`); });
    await page.goto(pathToFileURL(report).href);
    const [scroll, client] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    expect(scroll <= client, `${where}: scrolls sideways, ${scroll} px in ${client}`);
    const slider = page.locator(".slider input");
    if (await slider.count()) {
      await slider.focus();
      await page.keyboard.press("Home");
      const at = await page.locator(".slider").evaluate((element) => element.style.getPropertyValue("--at"));
      expect(at === "0%", `${where}: the slider does not follow the keyboard`);
      await slider.fill("50");
    }
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run());
    expect(violations.length === 0, `${where}: ${violations.map((each) => `${each.id}: ${each.nodes[0].html.slice(0, 120)}`).join("; ")}`);
    if (screenshots) await page.screenshot({ path: `${screenshots}/report-${width}-${colorScheme}.png`, fullPage: true });
    await page.close();
  }
}
await browser.close();
for (const complaint of complaints) console.log(complaint);
console.log(`${checks - Math.min(checks, complaints.length)} passed, ${complaints.length} failed`);
process.exit(complaints.length ? 1 : 0);
